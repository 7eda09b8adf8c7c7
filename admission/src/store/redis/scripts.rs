//! The Lua scripts, one per verb, each preceded by what they share.

use super::connection::Script;

/// The scripts of all verbs.
pub(super) struct Scripts {
    pub(super) configure: Script,
    pub(super) join: Script,
    pub(super) look: Script,
    pub(super) restore: Script,
    pub(super) claim: Script,
    pub(super) leave: Script,
    pub(super) end: Script,
    pub(super) void: Script,
    pub(super) drain: Script,
    pub(super) report_presence: Script,
    pub(super) report_load: Script,
    pub(super) set_rate: Script,
    pub(super) snapshot: Script,
    pub(super) reset: Script,
    pub(super) admit: Script,
    pub(super) sessions: Script,
    pub(super) invitations: Script,
    pub(super) relocate: Script,
    pub(super) fleet: Script,
}

macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(
            include_str!("lua/prelude.lua"),
            "\n",
            include_str!("lua/state.lua"),
            "\n",
            include_str!("lua/turns.lua"),
            "\n",
            include_str!("lua/waiting.lua"),
            "\n",
            include_str!("lua/ladder.lua"),
            "\n",
            include_str!("lua/standing.lua"),
            "\n",
            include_str!($file)
        ))
    };
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            configure: script!("lua/configure.lua"),
            join: script!("lua/join.lua"),
            look: script!("lua/look.lua"),
            restore: script!("lua/restore.lua"),
            claim: script!("lua/claim.lua"),
            leave: script!("lua/leave.lua"),
            end: script!("lua/end.lua"),
            void: script!("lua/void.lua"),
            drain: script!("lua/drain.lua"),
            report_presence: script!("lua/report_presence.lua"),
            report_load: script!("lua/report_load.lua"),
            set_rate: script!("lua/set_rate.lua"),
            snapshot: script!("lua/snapshot.lua"),
            reset: script!("lua/reset.lua"),
            admit: script!("lua/admit.lua"),
            sessions: script!("lua/sessions.lua"),
            invitations: script!("lua/invitations.lua"),
            relocate: script!("lua/relocate.lua"),
            fleet: Script::new(include_str!("lua/fleet.lua")),
        }
    }
}

#[cfg(test)]
mod tests {
    /// The scripts repeat numbers that Rust code defines; this keeps them the same.
    #[test]
    fn the_scripts_agree_with_the_constants() {
        let prelude = include_str!("lua/prelude.lua");
        for (name, value) in [
            ("UNITS_PER_PERMIT", crate::store::UNITS_PER_PERMIT),
            ("STRIDE", crate::store::STRIDE),
            ("RANKS_PER_MILLI", crate::rank::RANKS_PER_MILLI),
            ("TAKEOVER_LEAD", crate::rank::TAKEOVER_LEAD),
            ("UNSEEN_LEAD", crate::rank::UNSEEN_LEAD),
            ("FORGOTTEN_MAX", crate::store::FORGOTTEN_MAX as u64),
            ("ENDED_MEMORY_MS", crate::clock::millis(crate::store::ENDED_MEMORY)),
            ("SILENCE_MS", crate::clock::millis(crate::store::SILENCE)),
        ] {
            assert!(prelude.contains(&format!("local {name} = {value}\n")), "{name} = {value}");
        }
        let fleet = include_str!("lua/fleet.lua");
        assert!(fleet.contains(&format!("local AUDIT_MAX = {}\n", crate::store::AUDIT_MAX)));
        let admit = include_str!("lua/admit.lua");
        assert!(admit.contains(&format!("local CALLED_MAX = {}\n", crate::store::CALLED_MAX)));
        let relocate = include_str!("lua/relocate.lua");
        assert!(relocate.contains(&format!("local RELOCATED_MAX = {}\n", crate::store::RELOCATED_MAX)));
        let drain = include_str!("lua/drain.lua");
        assert!(drain.contains("math.max(2000, due * 4)"));
        assert_eq!([crate::store::scan_depth(1), crate::store::scan_depth(1000)], [2000, 4000]);
        let ladder = include_str!("lua/ladder.lua");
        assert!(prelude.contains("4000 + math.floor(number(state, 'rate_max') / 60) * 8"));
        assert_eq!([crate::store::horizon_depth(59), crate::store::horizon_depth(600)], [4000, 4080]);
        assert!(ladder.contains(&format!("local EXACT_DEPTH = {}\n", crate::position::EXACT_DEPTH)));
        assert!(ladder.contains("target + (target < EXACT_DEPTH and 1 or math.floor(target / 100))"));
    }
}
