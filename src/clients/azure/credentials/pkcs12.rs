//! What is in a PKCS#12 file (RFC 7292): every key and every certificate, whatever the tool that wrote it.
//!
//! The parts that name keys and order certificates into chains are left out: tools fill them differently or not at
//! all, and which certificate belongs to a key shows in the keys themselves.

use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipher, BlockDecryptMut, BlockSizeUser, KeyInit, KeyIvInit};
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::content_info::ContentInfo;
use cms::encrypted_data::EncryptedData;
use der::asn1::{ContextSpecific, ObjectIdentifier, OctetString};
use der::{Decode, DecodeOwned, Encode};
use des::{TdesEde2, TdesEde3};
use hmac::digest::core_api::BlockSizeUser as DigestBlockSize;
use hmac::digest::{Digest, FixedOutputReset};
use hmac::{Mac, SimpleHmac};
use pkcs5::pbes2;
use pkcs12::authenticated_safe::AuthenticatedSafe;
use pkcs12::cert_type::CertBag;
use pkcs12::kdf::{Pkcs12KeyType, derive_key};
use pkcs12::mac_data::MacData;
use pkcs12::pbe_params::{EncryptedPrivateKeyInfo, Pkcs12PbeParams};
use pkcs12::pfx::Pfx;
use pkcs12::safe_bag::SafeContents;
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// Tools write a few thousand to a million; more would look like a hang.
const MOST_ITERATIONS: u32 = 10_000_000;

/// The keys (PKCS#8) and certificates (X.509) of a file, both in its order and in DER.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// It is something else, or cut off.
    Malformed,
    WrongPassword,
    /// What it uses and we do not know.
    Unsupported(String),
}

/// Opens `file` with `password`, which is empty where there is none.
pub(super) fn read(file: &[u8], password: &str) -> Result<Contents, Error> {
    // Apple's and Java's tools may leave lengths open, which the strict form of DER forbids.
    if file.starts_with(&[0x30, 0x80]) {
        return Err(Error::Unsupported("lengths left open, BER".to_owned()));
    }
    let pfx = Pfx::from_der(file).map_err(|_| Error::Malformed)?;
    let safes = pfx.auth_safe.content.decode_as::<OctetString>();
    let safes = safes.map_err(|_| Error::Malformed)?;
    let forms = Password::forms(password);
    match &pfx.mac_data {
        Some(mac) => contents(
            safes.as_bytes(),
            authenticated(mac, safes.as_bytes(), &forms)?,
        ),
        None => contents_without_mac(safes.as_bytes(), &forms),
    }
}

/// A password as the derivations of keys take it.
struct Password {
    utf8: String,
    /// UTF-16 with two zeros at its end; nothing at all for no password.
    utf16: Vec<u8>,
}

impl Password {
    /// The forms to try. No password is written as an empty text by some tools, by others (of Windows) as nothing.
    fn forms(text: &str) -> Vec<Password> {
        let units = text.encode_utf16().chain([0]);
        let mut forms = vec![Password {
            utf8: text.to_owned(),
            utf16: units.flat_map(u16::to_be_bytes).collect(),
        }];
        if text.is_empty() {
            forms.push(Password {
                utf8: String::new(),
                utf16: Vec::new(),
            });
        }
        forms
    }
}

/// The form of the password with which the MAC of `data` is right.
fn authenticated<'a>(
    mac: &MacData,
    data: &[u8],
    forms: &'a [Password],
) -> Result<&'a Password, Error> {
    let iterations = within_reason(u32::try_from(mac.iterations).ok())?;
    let is_right = match mac.mac.algorithm.oid {
        SHA1 => is_right::<Sha1>,
        SHA224 => is_right::<Sha224>,
        SHA256 => is_right::<Sha256>,
        SHA384 => is_right::<Sha384>,
        SHA512 => is_right::<Sha512>,
        other => return Err(Error::Unsupported(format!("MAC {other}"))),
    };
    let form = forms
        .iter()
        .find(|form| is_right(mac, iterations, data, form));
    form.ok_or(Error::WrongPassword)
}

fn is_right<D>(mac: &MacData, iterations: i32, data: &[u8], password: &Password) -> bool
where
    D: Digest + FixedOutputReset + DigestBlockSize + Clone,
{
    let salt = mac.mac_salt.as_bytes();
    let length = <D as Digest>::output_size();
    let key = derive_key::<D>(
        &password.utf16,
        salt,
        Pkcs12KeyType::Mac,
        iterations,
        length,
    );
    let Ok(mut hmac) = <SimpleHmac<D> as Mac>::new_from_slice(&key) else {
        return false;
    };
    hmac.update(data);
    hmac.verify_slice(mac.mac.digest.as_bytes()).is_ok()
}

fn contents(safes: &[u8], password: &Password) -> Result<Contents, Error> {
    let mut contents = Contents::default();
    for safe in decoded::<AuthenticatedSafe>(safes)? {
        for bag in decoded::<SafeContents>(&opened(&safe, password)?)? {
            match bag.bag_id {
                pkcs12::PKCS_12_KEY_BAG_OID => {
                    let key = inside::<der::Any>(&bag.bag_value)?.to_der();
                    contents.keys.push(key.map_err(|_| Error::Malformed)?);
                }
                pkcs12::PKCS_12_PKCS8_KEY_BAG_OID => {
                    let key = inside::<EncryptedPrivateKeyInfo>(&bag.bag_value)?;
                    let algorithm = &key.encryption_algorithm;
                    let key = decrypted(algorithm, key.encrypted_data.as_bytes(), password)?;
                    contents.keys.push(key);
                }
                pkcs12::PKCS_12_CERT_BAG_OID => {
                    let certificate = inside::<CertBag>(&bag.bag_value)?.cert_value;
                    contents.certificates.push(certificate.into_bytes());
                }
                // Revocation lists and secrets are of no use here.
                _ => {}
            }
        }
    }
    Ok(contents)
}

/// The bags of one safe, which may be encrypted.
fn opened(safe: &ContentInfo, password: &Password) -> Result<Vec<u8>, Error> {
    match safe.content_type {
        DATA => {
            let data = safe.content.decode_as::<OctetString>();
            Ok(data.map_err(|_| Error::Malformed)?.into_bytes())
        }
        ENCRYPTED_DATA => {
            let data = safe.content.decode_as::<EncryptedData>();
            let data = data.map_err(|_| Error::Malformed)?.enc_content_info;
            let bytes = data.encrypted_content.ok_or(Error::Malformed)?;
            decrypted(&data.content_enc_alg, bytes.as_bytes(), password)
        }
        other => Err(Error::Unsupported(format!("content {other}"))),
    }
}

/// Without a MAC a wrong password shows only in what decryption yields.
fn contents_without_mac(safes: &[u8], forms: &[Password]) -> Result<Contents, Error> {
    let mut attempts = forms.iter().map(|form| contents(safes, form));
    let first = attempts.next().unwrap_or(Err(Error::WrongPassword));
    match first.or_else(|error| attempts.find_map(Result::ok).ok_or(error)) {
        Err(Error::Malformed) if is_encrypted(safes) => Err(Error::WrongPassword),
        outcome => outcome,
    }
}

fn is_encrypted(safes: &[u8]) -> bool {
    let safes = decoded::<AuthenticatedSafe>(safes).unwrap_or_default();
    safes.iter().any(|safe| safe.content_type == ENCRYPTED_DATA)
}

fn decrypted(
    algorithm: &AlgorithmIdentifierOwned,
    data: &[u8],
    password: &Password,
) -> Result<Vec<u8>, Error> {
    let parameters = algorithm.parameters.as_ref().ok_or(Error::Malformed)?;
    let parameters = parameters.to_der().map_err(|_| Error::Malformed)?;
    let decrypt = match algorithm.oid {
        PBES2 => return decrypted_by_pbes2(&parameters, data, password),
        pkcs12::PKCS_12_PBE_WITH_SHAAND3_KEY_TRIPLE_DES_CBC => decrypted_by::<TdesEde3, 24>,
        pkcs12::PKCS_12_PBE_WITH_SHAAND2_KEY_TRIPLE_DES_CBC => decrypted_by::<TdesEde2, 16>,
        pkcs12::PKCS_12_PBE_WITH_SHAAND128_BIT_RC2_CBC => decrypted_by::<Rc2, 16>,
        pkcs12::PKCS_12_PBEWITH_SHAAND40_BIT_RC2_CBC => decrypted_by::<Rc2, 5>,
        other => return Err(Error::Unsupported(format!("encryption {other}"))),
    };
    decrypt(&decoded(&parameters)?, data, password)
}

/// The scheme of today's tools.
fn decrypted_by_pbes2(
    parameters: &[u8],
    data: &[u8],
    password: &Password,
) -> Result<Vec<u8>, Error> {
    let unsupported = |what: &dyn std::fmt::Display| Error::Unsupported(what.to_string());
    let parameters = pbes2::Parameters::from_der(parameters)
        .map_err(|_| unsupported(&"parameters of PBES2 that are not known"))?;
    match &parameters.kdf {
        pbes2::Kdf::Pbkdf2(kdf) => within_reason(Some(kdf.iteration_count))?,
        _ => return Err(unsupported(&"a derivation of keys other than PBKDF2")),
    };
    let plain = parameters.decrypt(&password.utf8, data);
    plain.map_err(|error| match error {
        // A padding that is not one counts as the former.
        pkcs5::Error::EncryptFailed | pkcs5::Error::DecryptFailed => Error::WrongPassword,
        other => unsupported(&other),
    })
}

/// The schemes of PKCS#12 itself, which older tools use: a key of `LENGTH` bytes for the cipher `C`.
fn decrypted_by<C, const LENGTH: usize>(
    parameters: &Pkcs12PbeParams,
    data: &[u8],
    password: &Password,
) -> Result<Vec<u8>, Error>
where
    C: BlockCipher + BlockDecryptMut + BlockSizeUser + KeyInit,
{
    let iterations = within_reason(u32::try_from(parameters.iterations).ok())?;
    let salt = parameters.salt.as_bytes();
    let derive =
        |purpose, length| derive_key::<Sha1>(&password.utf16, salt, purpose, iterations, length);
    let key = derive(Pkcs12KeyType::EncryptionKey, LENGTH);
    let start = derive(Pkcs12KeyType::Iv, C::block_size());
    let cipher = Decryptor::<C>::new_from_slices(&key, &start).map_err(|_| Error::Malformed)?;
    let plain = cipher.decrypt_padded_vec_mut::<Pkcs7>(data);
    plain.map_err(|_| Error::WrongPassword)
}

fn within_reason(iterations: Option<u32>) -> Result<i32, Error> {
    let known = iterations.filter(|iterations| (1..=MOST_ITERATIONS).contains(iterations));
    let known = known.and_then(|iterations| i32::try_from(iterations).ok());
    known.ok_or_else(|| Error::Unsupported("its number of iterations".to_owned()))
}

fn decoded<T: DecodeOwned>(bytes: &[u8]) -> Result<T, Error> {
    T::from_der(bytes).map_err(|_| Error::Malformed)
}

/// The value of a bag, which stands in a wrapping of its own.
fn inside<T: DecodeOwned + der::Tagged>(bag: &[u8]) -> Result<T, Error>
where
    ContextSpecific<T>: DecodeOwned,
{
    Ok(decoded::<ContextSpecific<T>>(bag)?.value)
}
