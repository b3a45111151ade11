//! A body in gzip (RFC 1952) without any compression (RFC 1951 section 3.2.4): a client that decodes it gets the body.

/// The longest stored block.
const MAX_BLOCK: usize = 0xffff;

pub(crate) fn encode(body: &[u8]) -> Vec<u8> {
    let mut encoded = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks: Vec<&[u8]> = if body.is_empty() { vec![body] } else { body.chunks(MAX_BLOCK).collect() };
    for (at, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        encoded.push(u8::from(at + 1 == blocks.len()));
        encoded.extend(length.to_le_bytes());
        encoded.extend((!length).to_le_bytes());
        encoded.extend(*block);
    }
    encoded.extend(crc32(body).to_le_bytes());
    let length_modulo_2_32 = body.len() & 0xffff_ffff;
    encoded.extend(u32::try_from(length_modulo_2_32).unwrap_or_default().to_le_bytes());
    encoded
}

fn crc32(bytes: &[u8]) -> u32 {
    let with_bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), with_bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_format() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn long_bodies_take_several_blocks_of_which_one_is_the_last() {
        let encoded = encode(&vec![b' '; MAX_BLOCK + 1]);
        assert_eq!(encoded.len(), 10 + 5 + MAX_BLOCK + 5 + 1 + 8);
        assert_eq!((encoded[10], encoded[15 + MAX_BLOCK]), (0, 1));
    }
}
