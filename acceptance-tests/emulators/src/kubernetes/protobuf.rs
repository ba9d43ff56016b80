//! The few bytes of Kubernetes' protobuf that the reviews need: length-delimited fields within an envelope.
//!
//! Recorded: kubectl 1.32 sends `auth can-i` and `auth whoami` in this form and asks for it back. Field numbers are
//! those of the published `generated.proto` files.

const MAGIC: &[u8] = b"k8s\0";

/// A message as its length-delimited and boolean fields, in the order sent.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<(u64, Vec<u8>)>);

impl Message {
    /// Reads a message; `None` where the bytes are none.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Message> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = take_varint(&mut bytes)?;
            let content = match tag & 7 {
                0 => vec![u8::from(take_varint(&mut bytes)? != 0)],
                2 => {
                    let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
                    let (content, rest) = bytes.split_at_checked(length)?;
                    bytes = rest;
                    content.to_vec()
                }
                _ => return None,
            };
            fields.push((tag >> 3, content));
        }
        Some(Message(fields))
    }

    pub(super) fn bytes(&self, number: u64) -> &[u8] {
        self.0
            .iter()
            .rev()
            .find(|(field, _)| *field == number)
            .map_or(&[], |(_, content)| content)
    }

    pub(super) fn text(&self, number: u64) -> String {
        String::from_utf8_lossy(self.bytes(number)).into_owned()
    }

    pub(super) fn message(&self, number: u64) -> Option<Message> {
        Message::decode(self.bytes(number))
    }
}

/// The message within the envelope that names its version and kind.
pub(super) fn open_envelope(body: &[u8]) -> Option<Message> {
    Message::decode(body.strip_prefix(MAGIC)?)?.message(2)
}

/// A message in its envelope.
pub(super) fn envelope(api_version: &str, kind: &str, content: &[u8]) -> Vec<u8> {
    let type_meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    [
        MAGIC.to_vec(),
        field(1, &type_meta),
        field(2, content),
        field(3, b""),
        field(4, b""),
    ]
    .concat()
}

/// A length-delimited field.
pub(super) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    put_varint(&mut bytes, content.len());
    bytes.extend_from_slice(content);
    bytes
}

/// A boolean field.
pub(super) fn flag(number: u8, on: bool) -> Vec<u8> {
    vec![number << 3, u8::from(on)]
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_varint(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
