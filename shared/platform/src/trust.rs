//! Whom the functions believe to be AWS.
//!
//! The five roots of Amazon Trust Services, which its [repository] asks custom trust stores to hold, and no other: AWS's
//! services answer with certificates under them. Reading a system's whole store takes longer than all else that a
//! function does before it asks for work, and believes a hundred authorities more.
//!
//! [repository]: https://www.amazontrust.com/repository/

use std::path::Path;

use aws_smithy_http_client::tls::TrustStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// The roots, as the repository publishes them.
const AMAZON: &str = include_str!("../trust/amazon-trust-services.pem");

/// Partitions that answer under other roots, by how their regions begin.
const OTHERS: [&str; 3] = ["cn-", "us-iso", "eusc-"];

/// A trust store that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NoBundle {
    /// There is no such file.
    #[error("AWS_CA_BUNDLE: {path} cannot be read: name a file of certificates in PEM, or do not set it")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("AWS_CA_BUNDLE: {path} holds no certificates in PEM, or broken ones")]
    NoCertificates {
        /// Which.
        path: String,
    },
}

/// What AWS's certificates are held against: the file that `AWS_CA_BUNDLE` names, where a proxy stands in between;
/// the system's own store in partitions that Amazon Trust Services does not sign for; else Amazon's roots.
///
/// # Errors
/// [`NoBundle`].
pub fn store(lookup: impl Fn(&str) -> Option<String>) -> Result<TrustStore, NoBundle> {
    let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
    if let Some(path) = set("AWS_CA_BUNDLE") {
        let pem = match std::fs::read(Path::new(&path)) {
            Ok(pem) => pem,
            Err(source) => return Err(NoBundle::Unreadable { path, source }),
        };
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).collect();
        if certificates.is_empty() || certificates.iter().any(Result::is_err) {
            return Err(NoBundle::NoCertificates { path });
        }
        return Ok(TrustStore::empty().with_pem_certificate(pem));
    }
    let region = set("AWS_REGION").unwrap_or_default();
    if OTHERS.iter().any(|other| region.starts_with(other)) {
        return Ok(TrustStore::default());
    }
    Ok(TrustStore::empty().with_pem_certificate(AMAZON))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    /// SHA-256 of each certificate.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn the_roots_are_the_five_of_amazon_trust_services() {
        let roots = CertificateDer::pem_slice_iter(AMAZON.as_bytes()).map(Result::unwrap);
        let hex = |der: &[u8]| Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let found: Vec<String> = roots.map(|root| hex(&root)).collect();
        assert_eq!(found, FINGERPRINTS);
    }

    #[test]
    fn a_bundle_that_is_named_replaces_them_and_one_that_is_not_there_is_said() {
        let missing = |name: &str| (name == "AWS_CA_BUNDLE").then(|| "/no/such/file.pem".to_owned());
        let said = store(missing).unwrap_err().to_string();
        assert!(said.contains("AWS_CA_BUNDLE") && said.contains("/no/such/file.pem"), "{said}");
    }

    #[test]
    fn a_bundle_without_a_certificate_is_none() {
        let path = std::env::temp_dir().join(format!("linekeeper-bundle-{}.pem", std::process::id()));
        for content in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&path, content).unwrap();
            let said = store(|name| (name == "AWS_CA_BUNDLE").then(|| path.display().to_string())).unwrap_err().to_string();
            assert!(said.contains("no certificates"), "{content}: {said}");
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn partitions_of_other_authorities_read_the_systems_store() {
        let kept = |region: &'static str| {
            let store = store(|name| (name == "AWS_REGION").then(|| region.to_owned())).unwrap();
            format!("{store:?}") == format!("{:?}", TrustStore::default())
        };
        assert!(kept("cn-north-1") && kept("us-iso-east-1") && kept("eusc-de-east-1"));
        assert!(!kept("us-east-1") && !kept("us-gov-west-1"));
    }
}
