//! The smallest eBPF object: a classifier that always answers the same.

use aya::Ebpf;
use aya::programs::SchedClassifier;

const PROGRAM: &str = "always";

/// Loads a program that returns that verdict.
pub fn classifier(verdict: i32) -> Ebpf {
    let mut ebpf = Ebpf::load(&object(verdict)).unwrap();
    let program: &mut SchedClassifier = ebpf.program_mut(PROGRAM).unwrap().try_into().unwrap();
    program.load().unwrap();
    ebpf
}

pub fn program(ebpf: &Ebpf) -> &SchedClassifier {
    ebpf.program(PROGRAM).unwrap().try_into().unwrap()
}

/// An ELF file with one section of code, its symbol and names.
fn object(verdict: i32) -> Vec<u8> {
    // r0 = verdict; exit
    let mut code = vec![0xb7, 0, 0, 0];
    code.extend(verdict.to_le_bytes());
    code.extend([0x95, 0, 0, 0, 0, 0, 0, 0]);
    let mut symbols = vec![0; 24];
    symbols.extend(1_u32.to_le_bytes()); // its name
    symbols.extend([0x12, 0, 1, 0]); // a global function of section 1
    symbols.extend(0_u64.to_le_bytes());
    symbols.extend((code.len() as u64).to_le_bytes());
    let names = b"\0always\0classifier\0.symtab\0.strtab\0".to_vec();

    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([1, 0, 247, 0, 1, 0, 0, 0]); // relocatable, for eBPF
    file.extend([0; 16]);
    let start = 64 + code.len() + symbols.len() + names.len().next_multiple_of(8);
    file.extend((start as u64).to_le_bytes()); // of the section headers
    file.extend([0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 64, 0, 4, 0, 3, 0]);
    let mut headers = vec![0; 64];
    // Name, type, flags, section that it refers to, bytes an entry.
    for (name, kind, flags, link, entry, bytes) in [
        (8_u32, 1_u32, 6_u64, 0_u32, 0_u64, code),
        (19, 2, 0, 3, 24, symbols),
        (27, 3, 0, 0, 0, names),
    ] {
        let info = u32::from(kind == 2);
        headers.extend(name.to_le_bytes());
        headers.extend(kind.to_le_bytes());
        for word in [flags, 0, file.len() as u64, bytes.len() as u64] {
            headers.extend(word.to_le_bytes());
        }
        headers.extend(link.to_le_bytes());
        headers.extend(info.to_le_bytes());
        headers.extend(8_u64.to_le_bytes());
        headers.extend(entry.to_le_bytes());
        file.extend(bytes);
    }
    file.resize(start, 0);
    file.extend(headers);
    file
}
