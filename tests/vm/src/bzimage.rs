//! Takes the ELF image out of a bzImage.
//!
//! The layout is the x86 boot protocol's (Documentation/arch/x86/boot.rst): sectors of
//! real-mode code, their number at 0x1f1; payload offset and length at 0x248 and 0x24c.
//! The last four bytes of the payload are the length once unpacked, which tells a whole
//! image from a torn one.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::Path;
use std::process::Stdio;

use crate::error::{VmError, run};

/// Writes the ELF image that `packed` holds to `image`.
///
/// # Errors
/// [`VmError::KernelImage`] where it is no such image or is torn.
pub(crate) fn unpack(packed: &Path, image: &Path) -> Result<(), VmError> {
    let wrong = |reason| VmError::KernelImage {
        path: packed.to_owned(),
        reason,
    };
    let data = fs::read(packed).map_err(VmError::file("read", packed))?;
    let (payload, length) = payload(&data).ok_or_else(|| wrong("not a bzImage"))?;
    let elf = decompress(payload)?.ok_or_else(|| wrong("neither xz nor zstd inside"))?;
    if elf.len() != length || !elf.starts_with(b"\x7fELF") {
        return Err(wrong("torn: the image inside is not as long as it says"));
    }
    fs::write(image, elf).map_err(VmError::file("write", image))
}

/// The compressed part and the length that it must unpack to.
fn payload(data: &[u8]) -> Option<(&[u8], usize)> {
    let number = |at: usize| {
        let bytes = data.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    if data.get(0x202..0x206) != Some(b"HdrS") {
        return None;
    }
    let sectors = match data.get(0x1f1)? {
        0 => 4,
        &n => usize::from(n),
    };
    let start = (sectors + 1) * 512 + number(0x248)?;
    let end = start + number(0x24c)?;
    let trailer = end.checked_sub(4)?;
    Some((data.get(start..trailer)?, number(trailer)?))
}

/// Unpacks xz or zstd data by the tool for it; `None`: it is neither.
pub(crate) fn decompress(data: &[u8]) -> Result<Option<Vec<u8>>, VmError> {
    let (program, package) = match data {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => ("xz", "xz-utils"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("zstd", "zstd"),
        _ => return Ok(None),
    };
    // From a file without a name: a pipe would want a second thread to fill it.
    let stdin = || -> std::io::Result<File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(data)?;
        file.rewind()?;
        Ok(file)
    };
    let stdin = stdin().map_err(VmError::file("fill", "a temporary file"))?;
    run(program, package, |c| c.arg("-dc").stdin(Stdio::from(stdin))).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(payload: &[u8], length: u32) -> Vec<u8> {
        let mut data = vec![0; 2 * 512];
        data[0x1f1] = 1;
        data[0x202..0x206].copy_from_slice(b"HdrS");
        data[0x248..0x24c].copy_from_slice(&8_u32.to_le_bytes());
        let size = u32::try_from(payload.len()).unwrap() + 4;
        data[0x24c..0x250].copy_from_slice(&size.to_le_bytes());
        data.extend([0; 8]);
        data.extend(payload);
        data.extend(length.to_le_bytes());
        data
    }

    #[test]
    fn the_payload_is_found() {
        assert_eq!(payload(&image(b"abc", 77)), Some((&b"abc"[..], 77)));
    }

    #[test]
    fn whatever_is_torn_is_refused() {
        let whole = image(b"abc", 77);
        for cut in 0..whole.len() {
            assert_eq!(payload(&whole[..cut]), None, "cut at {cut}");
        }
    }
}
