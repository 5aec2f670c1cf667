//! Messages in protocol buffers, field by field: what others send is bounded before memory is taken for it.

use prost::encoding::{WireType, decode_key, decode_varint};

/// Calls with the number and the content of each field; a number's content is empty. `None` where the bytes are no
/// message, or where the call gives none.
pub(crate) fn for_each_field<'a>(
    mut message: &'a [u8],
    mut visit: impl FnMut(u32, &'a [u8]) -> Option<()>,
) -> Option<()> {
    while !message.is_empty() {
        let (tag, wire_type) = decode_key(&mut message).ok()?;
        let length = match wire_type {
            WireType::Varint => decode_varint(&mut message).ok().map(|_| 0)?,
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut message).ok()?).ok()?,
            // Groups are not used in these messages.
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        let (content, rest) = message.split_at_checked(length)?;
        visit(tag, content)?;
        message = rest;
    }
    Some(())
}

/// The next of several messages that each begin with their length, and what is behind it; `None` where the bytes end
/// before it does.
pub(crate) fn split_delimited(mut bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
    bytes.split_at_checked(length)
}
