//! What a host could not give to keep a submission apart, in words.
//!
//! The pages of a run, of a team and of a grading print them, and the terminal of a grading once.

use super::{InWords, Language};
use crate::messages;
use harness_model::history::NotKept;

impl InWords for NotKept {
    fn in_words(&self, language: Language) -> String {
        match self {
            NotKept::Processes => processes_not_kept(language),
            NotKept::Files => files_not_kept(language),
            NotKept::Folders => folders_not_kept(language),
            NotKept::User => user_not_kept(language),
            NotKept::Disk => disk_not_kept(language),
            NotKept::Network => network_not_kept(language),
            NotKept::Memory => memory_not_kept(language),
            NotKept::ProcessCount => process_count_not_kept(language),
            NotKept::Cpu => cpu_not_kept(language),
        }
    }
}

messages! {
    /// No process namespace.
    pub fn processes_not_kept() {
        en: "this host gives no process namespace: its processes were followed, not shut in",
        es: "este computador no da un espacio de procesos propio: sus procesos se siguieron, no se encerraron",
    }
    /// No Landlock.
    pub fn files_not_kept() {
        en: "this kernel has no Landlock: it could touch every file that whoever ran the judge may",
        es: "este kernel no tiene Landlock: pudo tocar todo archivo al alcance de quien ejecutó el banco de pruebas",
    }
    /// No mounts.
    pub fn folders_not_kept() {
        en: "this host allows no mounts of one's own: it shared the folders for temporary files with others",
        es: "este computador no permite montajes propios: compartió con otros las carpetas de archivos temporales",
    }
    /// No user of its own.
    pub fn user_not_kept() {
        en: "it ran as the user of the judge, without its rights: this host gives no other, or a toolchain is for root alone",
        es: "se ejecutó como el usuario del banco de pruebas, sin sus permisos: este computador no da otro, o un compilador es solo de root",
    }
    /// No disk of its own.
    pub fn disk_not_kept() {
        en: "what it wrote was counted once a second: this host allows no mounts of one's own, or lacks memory for a disk of its own",
        es: "lo que escribió se contó una vez por segundo: este computador no permite montajes propios o no tiene memoria para un disco propio",
    }
    /// No network namespace.
    pub fn network_not_kept() {
        en: "this host gives no network namespace: it and its build reached the network of the host",
        es: "este computador no da un espacio de red propio: el programa y su compilación alcanzaron la red del computador",
    }
    /// No limit on memory.
    pub fn memory_not_kept() {
        en: "this host limits memory for each of its processes only, not for all together",
        es: "este computador limita la memoria de cada proceso, no la de todos juntos",
    }
    /// No limit on processes.
    pub fn process_count_not_kept() {
        en: "this host does not limit how many processes it starts",
        es: "este computador no limita cuántos procesos inicia",
    }
    /// No limit on CPUs.
    pub fn cpu_not_kept() {
        en: "this host does not limit its share of the CPUs",
        es: "este computador no limita su parte de las CPU",
    }
    /// The heading of them all.
    pub fn what_was_not_kept() {
        en: "What this host could not keep apart",
        es: "Lo que este computador no pudo aislar",
    }
    /// All of them in one sentence, beside a verdict.
    pub fn only_partly_kept(missing: &str) {
        en: "Not kept apart by this host: {missing}",
        es: "Este computador no pudo aislar todo: {missing}",
    }
    /// One of them, where only some teams are concerned.
    pub fn not_kept_of(what: &str, teams: &str) { en: "{what} ({teams})", es: "{what} ({teams})" }
}
