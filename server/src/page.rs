//! What can be read here with a browser or `curl`.

use fanlight_core::{Refusal, Stats};

const INDEX: &str = include_str!("page.html");

/// The page loads nothing and runs nothing; its one style is named by its hash. Its console may
/// connect back to here.
const POLICY: &str = "default-src 'none'; connect-src 'self'; \
    style-src 'sha256-LdvIlkq2S4wDS0398kAf2wT8pm0kZM3kj8BzYD6y2PI='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page at `/`, which says what can be tried.
pub(crate) fn index() -> Refusal {
    page("text/html; charset=utf-8", INDEX, &[("Content-Security-Policy", POLICY)])
}

/// The answer to whoever asks whether the server is alive.
pub(crate) fn health() -> Refusal {
    page("text/plain; charset=utf-8", "ok", &[])
}

/// What the process has counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Of all shards together.
    pub(crate) house: Stats,
    /// Lines of the log that were dropped because standard error was not read.
    pub(crate) log_lines_dropped: u64,
}

/// The figures, a name and a value a line.
pub(crate) fn figures(figures: &Figures) -> Refusal {
    let lines: String = figures
        .house
        .all()
        .chain([("log_lines_dropped", figures.log_lines_dropped)])
        .map(|(name, value)| format!("{name} {value}\n"))
        .collect();
    page("text/plain; charset=utf-8", lines, &[])
}

fn page(content_type: &str, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Refusal {
    let always = [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ];
    Refusal::new(200)
        .and_then(|page| page.body(content_type, body))
        .and_then(|page| {
            always
                .iter()
                .chain(headers)
                .try_fold(page, |page, (name, value)| page.header(name, value))
        })
        .expect("the status and all headers are constants of this file, and valid")
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_style_of_the_page() {
        let (_, rest) = INDEX.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = BASE64.encode(&Sha256::digest(style));
        assert!(POLICY.contains(&hash), "the style's hash is now {hash}");
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for word in ["src=", "<link", "<script", "url(", "@import", "http://", "https://"] {
            assert!(!INDEX.contains(word), "{word}");
        }
    }

    #[test]
    fn the_figures_are_a_name_and_a_value_a_line() {
        let house = Stats { open: 3, ..Stats::default() };
        let answer = figures(&Figures { house, log_lines_dropped: 2 }).encode();
        let answer = String::from_utf8(answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.lines().any(|line| line == "open 3"), "{body}");
        assert!(body.lines().any(|line| line == "log_lines_dropped 2"), "{body}");
        assert_eq!(body.lines().count(), house.all().count() + 1);
    }
}
