//! What the name of a channel says of it.

/// Channels of the server itself: nobody else says anything there.
const OURS: &str = "fanlight:";

/// Whether it may be a channel's name, which has so many bytes at most. They are of ASCII, so the
/// server has names for topics of its own that no client can reach.
pub(super) fn is_name(name: &str, bytes_max: usize) -> bool {
    name.is_ascii() && (1..=bytes_max).contains(&name.len())
}

/// Whether only the server speaks there, and only programs on its own machine listen.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with(OURS)
}

/// Whether nobody is let in without a token for it.
pub(super) fn is_private(name: &str) -> bool {
    name.starts_with('$')
}

/// Whether `user` is one of those whom `name#user1,user2` is for; all are if it names nobody. The
/// last `#` counts. Whoever is anonymous is never one of those named.
pub(super) fn is_for(name: &str, user: &str) -> bool {
    match name.rsplit_once('#') {
        None => true,
        Some((_, users)) => !user.is_empty() && users.split(',').any(|one| one == user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_ascii_and_neither_empty_nor_too_long() {
        assert!(is_name("chat:index", 10) && is_name("a", 10) && is_name("a b\t", 10));
        assert!(!is_name("chat:index2", 10) && !is_name("grüße", 10) && !is_name("", 10));
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
            ("ns:a#b#c,d", "d", true),
            ("ns:a#b#c,d", "b", false),
            ("ns:a#b#c,d", "b#c", false),
        ] {
            assert_eq!(is_for(name, user), is_allowed, "{name} for {user:?}");
        }
    }
}
