//! Which instances there are, and what each of them is doing: launched, healthy, draining, gone.
//!
//! The real run and the simulation keep one each. It says what must be done about an instance and never does it.

/// What one member of the group is doing; times are seconds of the case.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Member {
    /// It does not exist.
    Absent,
    /// It is being set up, and takes requests from this moment on.
    Launching(f64),
    /// It takes requests.
    Healthy,
    /// It gets no new requests and finishes those it has.
    Draining,
}

/// The members of a group, by place.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    members: Vec<Member>,
}

impl Group {
    /// So many healthy ones, and room for more.
    pub fn new(healthy: usize, most: usize) -> Group {
        let member = |place| if place < healthy { Member::Healthy } else { Member::Absent };
        Group { members: (0..most).map(member).collect() }
    }

    /// Places of the healthy ones.
    pub fn healthy(&self) -> Vec<usize> {
        self.places(|member| member == Member::Healthy)
    }

    /// Places of those that drain.
    pub fn draining(&self) -> Vec<usize> {
        self.places(|member| member == Member::Draining)
    }

    /// How many there are, whatever they are doing: what a bill is made out for.
    pub fn present(&self) -> usize {
        self.members.len() - self.places(|member| member == Member::Absent).len()
    }

    /// How many are being set up.
    pub fn launching(&self) -> usize {
        self.places(|member| matches!(member, Member::Launching(_))).len()
    }

    /// Those whose time has come are healthy from now on; their places.
    pub fn ripen(&mut self, now: f64) -> Vec<usize> {
        let ripe = self.places(|member| matches!(member, Member::Launching(at) if at <= now + 1e-9));
        for &place in &ripe {
            self.members[place] = Member::Healthy;
        }
        ripe
    }

    /// Launches or drains until as many are there, or on their way, as are wanted.
    pub fn reconcile(&mut self, desired: usize, now: f64, provisioning: f64) {
        while self.healthy().len() + self.launching() < desired {
            let Some(place) = self.places(|member| member == Member::Absent).first().copied() else { break };
            self.members[place] = Member::Launching(now + provisioning);
        }
        while self.healthy().len() + self.launching() > desired {
            // One that serves nobody yet is the first to go, then the youngest.
            let launching = self.places(|member| matches!(member, Member::Launching(_))).last().copied();
            if let Some(place) = launching {
                self.members[place] = Member::Absent;
                continue;
            }
            let Some(place) = self.healthy().last().copied() else { break };
            self.members[place] = Member::Draining;
        }
    }

    /// It is gone.
    pub fn end(&mut self, place: usize) {
        if let Some(member) = self.members.get_mut(place) {
            *member = Member::Absent;
        }
    }

    fn places(&self, is: impl Fn(Member) -> bool) -> Vec<usize> {
        (0..self.members.len()).filter(|&place| is(self.members[place])).collect()
    }
}
