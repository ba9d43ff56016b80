//! Ready-made certificates of an application, for clients that sign in with one.
//!
//! Throwaway keys, made once with OpenSSL 3: RSA keys take too long to make for each lab. `certificates/README.md` tells how.

/// The password of those that have one.
pub const PASSWORD: &str = "lab-certificate-password";

/// The certificate that is registered with the application of every lab (DER).
pub const REGISTERED: &[u8] = include_bytes!("../certificates/registered.der");

/// It with its key, encrypted as OpenSSL 3 does: AES-256 and PBKDF2 (PKCS#12).
pub const MODERN: &[u8] = include_bytes!("../certificates/modern.pfx");

/// The same, encrypted as older tools do: RC2 with 40 bits and 3DES.
pub const LEGACY: &[u8] = include_bytes!("../certificates/legacy.pfx");

/// The same with 3DES and an empty password, as a key vault hands it out.
pub const WITHOUT_PASSWORD: &[u8] = include_bytes!("../certificates/without-password.pfx");

/// A certificate with its key that is registered nowhere.
pub const STRANGER: &[u8] = include_bytes!("../certificates/stranger.pfx");

/// A certificate with an elliptic key, which Entra ID does not take.
pub const ELLIPTIC: &[u8] = include_bytes!("../certificates/elliptic.pfx");

/// The registered certificate without its key.
pub const NO_KEY: &[u8] = include_bytes!("../certificates/no-key.pfx");

/// Another certificate with its key and the two authorities above it, which sign each other; a MAC by SHA-512.
pub const CYCLIC: &[u8] = include_bytes!("../certificates/cyclic.pfx");

/// The same certificate with its key, encrypted, but without a MAC.
pub const WITHOUT_MAC: &[u8] = include_bytes!("../certificates/without-mac.pfx");

/// The same, neither encrypted nor named, with a MAC by SHA-512 for no password at all, which is not an empty one.
pub const BARE: &[u8] = include_bytes!("../certificates/bare.pfx");
