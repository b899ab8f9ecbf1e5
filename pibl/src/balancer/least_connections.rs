//! The member with the fewest open requests for its weight.
//!
//! `set` calls it when the policy asks for it. Among equals the turn decides, so that a quiet set is
//! served in rotation.

use std::sync::Arc;

use super::member::Member;

/// The members in the order of preference, the ones behind `turn` first among equals.
pub(super) fn by_load(members: &[Arc<Member>], places: &[u32], turn: usize) -> Vec<u32> {
    let count = places.len().max(1);
    let mut order: Vec<u32> = (0..places.len()).map(|step| places[(turn + step) % count]).collect();
    let loads: Vec<usize> = members.iter().map(|member| member.open_requests()).collect();
    // Load per weight, compared without division; the sort is stable, so the rotation decides a tie.
    order.sort_by_key(|&place| {
        let member = &members[place as usize];
        (loads[place as usize] as u64).saturating_mul(1 << 20) / u64::from(member.weight)
    });
    order
}
