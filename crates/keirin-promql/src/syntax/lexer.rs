//! From text to words. Names may hold colons except where `[` and `{` are open.

use super::error::{SyntaxError, TextRange};
use super::number::{self, Literal};
use super::text;
use super::token::{Kind, Token};

/// Signs, the longer ones first.
const SIGNS: [&str; 28] = [
    "==", "!=", "<=", ">=", "=~", "!~", "</", ">/", "+", "-", "*", "/", "%", "^", "<", ">", "=", "@", "(",
    ")", "{", "}", "[", "]", ",", ":", ";", "!",
];

/// All words of a text, and the end behind them.
pub(crate) fn read(query: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer {
        query,
        at: 0,
        in_braces: false,
        in_brackets: false,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let kind = lexer.next(start)?;
        let end = kind == Kind::End;
        tokens.push(Token {
            kind,
            place: TextRange::new(start, lexer.at),
        });
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    query: &'a str,
    at: usize,
    in_braces: bool,
    in_brackets: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.query[self.at..]
    }

    fn skip_blanks(&mut self) {
        loop {
            let blanks = self
                .rest()
                .bytes()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
                .count();
            self.at += blanks;
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn wrong(&self, start: usize, length: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.query, TextRange::new(start, start + length), message)
    }

    fn next(&mut self, start: usize) -> Result<Kind, SyntaxError> {
        let Some(first) = self.rest().chars().next() else {
            return Ok(Kind::End);
        };
        match first {
            '"' | '\'' | '`' => self.text(start, first),
            '0'..='9' => self.number(start),
            '.' if self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) => self.number(start),
            '_' | 'a'..='z' | 'A'..='Z' => Ok(self.word()),
            ':' if !self.in_braces && !self.in_brackets => Ok(self.word()),
            _ => self.sign(start, first),
        }
    }

    fn word(&mut self) -> Kind {
        let colons = !self.in_braces && !self.in_brackets;
        let length = self
            .rest()
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || (colons && *byte == b':'))
            .count();
        let word = self.rest()[..length].to_owned();
        self.at += length;
        Kind::Word(word)
    }

    fn number(&mut self, start: usize) -> Result<Kind, SyntaxError> {
        match number::read(self.rest()) {
            Ok((literal, length)) => {
                self.at += length;
                Ok(match literal {
                    Literal::Number(number) => Kind::Number(number),
                    Literal::Duration(milliseconds) => Kind::Duration(milliseconds),
                })
            }
            Err((length, message)) => Err(self.wrong(start, length, message)),
        }
    }

    fn text(&mut self, start: usize, quote: char) -> Result<Kind, SyntaxError> {
        let inner = &self.rest()[1..];
        let mut escaped = false;
        let end = inner.char_indices().find_map(|(index, character)| {
            let ends = character == quote && !escaped;
            let breaks = character == '\n' && quote != '`';
            escaped = character == '\\' && !escaped && quote != '`';
            (ends || breaks).then_some((index, ends))
        });
        let Some((length, true)) = end else {
            let kind = if quote == '`' { "raw" } else { "quoted" };
            let shown = end.map_or(inner.len(), |(length, _)| length) + 1;
            return Err(self.wrong(start, shown, format!("unterminated {kind} string")));
        };
        let bytes = text::unquote(&inner[..length], quote)
            .map_err(|(at, message)| self.wrong(start + 1 + at, length - at, message))?;
        self.at += length + 2;
        Ok(Kind::Text(bytes))
    }

    fn sign(&mut self, start: usize, first: char) -> Result<Kind, SyntaxError> {
        let found = SIGNS.iter().find(|sign| self.rest().starts_with(**sign));
        let Some(sign) = found.filter(|sign| !matches!(**sign, "!" | ";")) else {
            let message = format!("unexpected character: {first:?}");
            return Err(self.wrong(start, first.len_utf8(), message));
        };
        match *sign {
            "{" => self.in_braces = true,
            "}" => self.in_braces = false,
            "[" => self.in_brackets = true,
            "]" => self.in_brackets = false,
            _ => {}
        }
        self.at += sign.len();
        Ok(Kind::Sign(sign))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(query: &str) -> Vec<Kind> {
        read(query)
            .expect("right words")
            .into_iter()
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn a_colon_belongs_to_a_name_or_parts_a_subquery() {
        let word = |word: &str| Kind::Word(word.to_owned());
        assert_eq!(kinds("a:b:c"), [word("a:b:c"), Kind::End]);
        assert_eq!(
            kinds("x[5m:1m] # so far"),
            [
                word("x"),
                Kind::Sign("["),
                Kind::Duration(300_000),
                Kind::Sign(":"),
                Kind::Duration(60_000),
                Kind::Sign("]"),
                Kind::End
            ]
        );
    }

    #[test]
    fn a_text_ends_at_its_own_quote() {
        assert_eq!(
            kinds(r#"'a"b' "c\"d" `e\`"#),
            [
                Kind::Text(b"a\"b".to_vec()),
                Kind::Text(b"c\"d".to_vec()),
                Kind::Text(b"e\\".to_vec()),
                Kind::End
            ]
        );
        assert!(read("\"a\nb\"").is_err());
        assert!(read("`a").is_err());
    }
}
