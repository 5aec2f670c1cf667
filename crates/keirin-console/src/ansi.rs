//! Lines of logs for a terminal: colours may stay, nothing else that would change what the terminal does.

const ESCAPE: char = '\u{1b}';

/// A line as it may be printed: without control characters, with colours only where they are wanted.
pub fn printable(line: &str, colours: bool) -> String {
    // A terminal would show what was written last over what stands before it.
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or(line);
    if !line.contains(|c: char| c.is_control() && c != '\t') {
        return line.to_owned();
    }
    let mut shown = String::with_capacity(line.len());
    let mut is_coloured = false;
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_control() && c != '\t') {
        shown.push_str(&rest[..start]);
        rest = &rest[start..];
        if rest.starts_with(ESCAPE) {
            let sequence = sequence_length(rest);
            let (sequence, after) = rest.split_at(sequence);
            if colours && is_colour(sequence) {
                shown.push_str(sequence);
                is_coloured = true;
            }
            rest = after;
        } else {
            rest = rest
                .get(rest.chars().next().map_or(1, char::len_utf8)..)
                .unwrap_or_default();
        }
    }
    shown.push_str(rest);
    if is_coloured {
        // A line that ends in red must not colour the next one.
        shown.push_str("\u{1b}[0m");
    }
    shown
}

/// How many bytes the escape sequence at the start has.
fn sequence_length(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    let Some((_, kind)) = characters.next() else {
        return text.len();
    };
    match kind {
        '[' => characters
            .find(|(_, c)| ('\u{40}'..='\u{7e}').contains(c))
            .map_or(text.len(), |(at, c)| at + c.len_utf8()),
        // Strings for the terminal, as its title: up to a bell or another escape.
        ']' | 'P' | '^' | '_' | 'X' => {
            while let Some((at, c)) = characters.next() {
                if c == '\u{7}' {
                    return at + 1;
                }
                if c == ESCAPE {
                    return characters
                        .next()
                        .map_or(text.len(), |(after, c)| after + c.len_utf8());
                }
            }
            text.len()
        }
        c => 1 + c.len_utf8(),
    }
}

fn is_colour(sequence: &str) -> bool {
    let inner = sequence
        .strip_prefix("\u{1b}[")
        .and_then(|rest| rest.strip_suffix('m'));
    inner.is_some_and(|inner| {
        inner
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ';' | ':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_where_they_are_wanted() {
        let line = "\u{1b}[1;31mred\u{1b}[0m plain";
        assert_eq!(printable(line, true), "\u{1b}[1;31mred\u{1b}[0m plain\u{1b}[0m");
        assert_eq!(printable(line, false), "red plain");
        assert_eq!(printable("tab\tstays", false), "tab\tstays");
    }

    #[test]
    fn nothing_else_reaches_the_terminal() {
        for (line, expected) in [
            ("\u{1b}[2Jcleared", "cleared"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("a\u{8}b\u{7}", "ab"),
            ("10 %\r50 %\r100 %\r", "100 %"),
            ("\u{9b}31mc1", "31mc1"),
            ("cut \u{1b}[3", "cut "),
            ("cut \u{1b}", "cut "),
            ("\u{1b}cü", "ü"),
        ] {
            assert_eq!(printable(line, true), expected, "{line:?}");
            assert_eq!(printable(line, false), expected, "{line:?}");
        }
    }
}
