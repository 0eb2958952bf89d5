//! What the name of a channel says of it.

/// Channels of the server itself: nobody else says anything there.
const OURS: &str = "fanlight:";

/// Whether a name of this length at most may be a channel's. They are of ASCII, so the server has
/// names for topics of its own that no client can reach.
pub(super) fn is_name(name: &str, bytes_max: usize) -> bool {
    name.is_ascii() && name.len() <= bytes_max
}

/// Whether only the server speaks there, and only programs on its own machine listen.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with(OURS)
}

/// Whether nobody is let in without a token for it.
pub(super) fn is_private(name: &str) -> bool {
    name.starts_with('$')
}

/// Whether `user` is one of those whom `name#user1,user2` is for; all are if it names nobody.
/// Whoever is anonymous is never one of those named.
pub(super) fn is_for(name: &str, user: &str) -> bool {
    match name.split_once('#') {
        None => true,
        Some((_, users)) => !user.is_empty() && users.split(',').any(|one| one == user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_ascii_and_not_too_long() {
        assert!(is_name("chat:index", 10) && is_name("", 10) && is_name("a b\t", 10));
        assert!(!is_name("chat:index2", 10) && !is_name("grüße", 10));
    }

    #[test]
    fn whoever_a_channel_names_may_be_there_and_nobody_else() {
        for (name, user, is_allowed) in [
            ("news", "", true),
            ("news", "42", true),
            ("news#42", "42", true),
            ("news#42", "", false),
            ("news#42", "4", false),
            ("news#42", "43", false),
            ("dialog#42,43", "43", true),
            ("dialog#42,43", "42,43", false),
            ("dialog#", "", false),
            ("dialog#,", "", false),
            ("ns:a#b#c", "b#c", true),
            ("ns:a#b#c", "c", false),
        ] {
            assert_eq!(is_for(name, user), is_allowed, "{name} for {user:?}");
        }
    }
}
