//! What can be read here with a browser or `curl`.

use fanlight_core::{Refusal, Stats};

/// The page loads its own files, talks to its own server, and does nothing else: no text that it
/// is sent can become markup, style or script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const PLAIN: &str = "text/plain; charset=utf-8";

/// One file of the page.
#[derive(Clone, Copy, Debug)]
struct Part {
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
}

macro_rules! parts {
    ($($path:literal is $content_type:ident $file:literal,)+) => {
        [$(Part {
            path: $path,
            content_type: $content_type,
            body: include_str!(concat!("../page/", $file)),
        },)+]
    };
}

const PARTS: [Part; 8] = parts![
    "/" is HTML "index.html",
    "/page/icon.svg" is SVG "icon.svg",
    "/page/style.css" is CSS "style.css",
    "/page/theme.js" is SCRIPT "theme.js",
    "/page/page.js" is SCRIPT "page.js",
    "/page/client.js" is SCRIPT "client.js",
    "/page/chat.js" is SCRIPT "chat.js",
    "/page/house.js" is SCRIPT "house.js",
];

/// The page at `/`, or one of the files that it is made of.
pub(crate) fn part(path: &str) -> Option<Refusal> {
    let part = PARTS.iter().find(|part| part.path == path)?;
    Some(page(part.content_type, part.body, &[("Content-Security-Policy", POLICY)]))
}

/// The answer to whoever asks whether the server is alive.
pub(crate) fn health() -> Refusal {
    page(PLAIN, "ok", &[])
}

/// What the process has counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Of each shard.
    pub(crate) shards: Vec<Stats>,
    /// Lines of the log that were dropped because standard error was not read.
    pub(crate) log_lines_dropped: u64,
}

/// The figures of all shards together, a name and a value a line.
pub(crate) fn figures(figures: &Figures) -> Refusal {
    let mut house = Stats::default();
    for shard in &figures.shards {
        house += *shard;
    }
    let lines: String = house
        .all()
        .chain([("log_lines_dropped", figures.log_lines_dropped)])
        .map(|(name, value)| format!("{name} {value}\n"))
        .collect();
    page(PLAIN, lines, &[])
}

/// Nothing is kept by a browser: the files change with the server, which is often another one at
/// the same address, and are small.
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
    use super::*;

    /// What stands between `before` and the next `"`, wherever it does.
    fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).map(|rest| rest.split('"').next().unwrap())
    }

    #[test]
    fn the_page_needs_no_file_that_is_not_served() {
        let served = |path: &str| PARTS.iter().any(|part| part.path == path);
        for part in PARTS {
            for before in
                [" src=\"", "<link rel=\"icon\" href=\"", "<link rel=\"stylesheet\" href=\""]
            {
                for path in quoted(part.body, before) {
                    assert!(served(&format!("/{path}")), "{}: {path}", part.path);
                }
            }
            for path in quoted(part.body, " from \"./") {
                assert!(served(&format!("/page/{path}")), "{}: {path}", part.path);
            }
            for word in ["url(", "@import", "import(", "://"] {
                let rest = part.body.replace("http://www.w3.org/2000/svg", "");
                assert!(!rest.contains(word), "{}: {word}", part.path);
            }
        }
    }

    #[test]
    fn the_page_has_no_script_or_style_within_and_never_makes_markup_of_text() {
        let html = PARTS[0].body;
        for word in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!html.contains(word), "{word}");
        }
        assert_eq!(html.matches("<script").count(), html.matches("\"></script>").count());
        for part in PARTS {
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!part.body.contains(word), "{}: {word}", part.path);
            }
        }
    }

    #[test]
    fn each_file_is_served_with_its_type_and_the_policy() {
        for Part { path, content_type, body } in PARTS {
            let answer = String::from_utf8(part(path).unwrap().encode()).unwrap();
            let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
            assert_eq!(rest, body, "{path}");
            let head = head.to_ascii_lowercase();
            for line in [
                &format!("content-type: {content_type}"),
                "x-content-type-options: nosniff",
                "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'",
            ] {
                assert!(head.contains(line), "{path}: {line}: {head}");
            }
            assert!(!head.contains("unsafe-"), "{path}: {head}");
        }
        for path in ["/page/", "/page", "/page/index.html", "/page/../src/page.rs", "/index.html"] {
            assert!(part(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_figures_are_a_name_and_a_value_a_line() {
        let shard = Stats { open: 3, ..Stats::default() };
        let answer = figures(&Figures { shards: vec![shard; 2], log_lines_dropped: 2 }).encode();
        let answer = String::from_utf8(answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.lines().any(|line| line == "open 6"), "{body}");
        assert!(body.lines().any(|line| line == "log_lines_dropped 2"), "{body}");
        assert_eq!(body.lines().count(), shard.all().count() + 1);
    }
}
