//! KMS: small secrets, sealed for one account.
//!
//! Two narrow traits, because two functions have two permissions: who makes a customer's seed seals it and
//! never opens one again, who checks a code opens it and seals nothing. The account is part of the seal
//! (KMS's encryption context): one that was moved to another account does not open, and CloudTrail shows
//! for whom each was opened.

use std::collections::HashMap;

use aws_sdk_kms::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use linekeeper_domain::ids::AccountId;
use zeroize::Zeroizing;

use crate::store::Error;

/// The key of the encryption context, as the key's policy may require it.
pub const CONTEXT: &str = "linekeeper:account";

/// Seals.
pub trait Sealer: Send + Sync {
    /// The secret, sealed for an account, in base64.
    fn seal<'a>(&'a self, context: &'a AccountId, secret: &'a [u8]) -> BoxFuture<'a, Result<String, Error>>;
}

/// Opens what was sealed.
pub trait Unsealer: Send + Sync {
    /// The secret that was sealed for that account; another's does not open.
    fn unseal<'a>(&'a self, context: &'a AccountId, sealed: &'a str) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, Error>>;
}

/// The sealing key in KMS.
#[derive(Clone, Debug)]
pub struct KmsSeal {
    client: aws_sdk_kms::Client,
    key: String,
}

impl KmsSeal {
    /// The key with this ARN.
    #[must_use]
    pub fn new(client: aws_sdk_kms::Client, key: &str) -> Self {
        Self { client, key: key.to_owned() }
    }
}

fn context(account: &AccountId) -> HashMap<String, String> {
    HashMap::from([(CONTEXT.to_owned(), account.as_str().to_owned())])
}

impl Sealer for KmsSeal {
    fn seal<'a>(&'a self, account: &'a AccountId, secret: &'a [u8]) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move {
            let call = self
                .client
                .encrypt()
                .key_id(&self.key)
                .set_encryption_context(Some(context(account)))
                .plaintext(Blob::new(secret));
            let answer = call.send().await.map_err(|error| Error::aws("kms:Encrypt", error.into_service_error()))?;
            answer.ciphertext_blob().map(|sealed| STANDARD.encode(sealed)).ok_or(Error::Corrupt("KMS sealed nothing"))
        })
    }
}

impl Unsealer for KmsSeal {
    fn unseal<'a>(&'a self, account: &'a AccountId, sealed: &'a str) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, Error>> {
        Box::pin(async move {
            let sealed = STANDARD.decode(sealed).map_err(|_| Error::Corrupt("a sealed secret is not base64"))?;
            let call = self
                .client
                .decrypt()
                .key_id(&self.key)
                .set_encryption_context(Some(context(account)))
                .ciphertext_blob(Blob::new(sealed));
            let answer = call.send().await.map_err(|error| Error::aws("kms:Decrypt", error.into_service_error()))?;
            let secret = answer.plaintext.ok_or(Error::Corrupt("KMS opened nothing"))?;
            Ok(Zeroizing::new(secret.into_inner()))
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::config::http::{HttpRequest, HttpResponse};
    use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_types::body::SdkBody;
    use serde_json::{Value, json};

    use super::*;

    /// KMS as far as its protocol goes: what it "encrypts" is the request itself, readable.
    #[derive(Debug)]
    struct Echo;

    impl HttpConnector for Echo {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            let (status, answer) = match request.headers().get("x-amz-target").unwrap() {
                "TrentService.Encrypt" => (200, json!({ "CiphertextBlob": STANDARD.encode(asked.to_string()) })),
                _ => {
                    let sealed = STANDARD.decode(asked["CiphertextBlob"].as_str().unwrap()).unwrap();
                    let sealed: Value = serde_json::from_slice(&sealed).unwrap();
                    match sealed["EncryptionContext"] == asked["EncryptionContext"] && sealed["KeyId"] == asked["KeyId"] {
                        true => (200, json!({ "Plaintext": sealed["Plaintext"] })),
                        false => (400, json!({ "__type": "InvalidCiphertextException" })),
                    }
                }
            };
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer.to_string()))))
        }
    }

    fn kms(key: &str) -> KmsSeal {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .http_client(http_client_fn(|_: &HttpConnectorSettings, _| SharedHttpConnector::new(Echo)))
            .build();
        KmsSeal::new(aws_sdk_kms::Client::from_conf(config), key)
    }

    fn account(id: &str) -> AccountId {
        AccountId::parse(id).unwrap()
    }

    #[tokio::test]
    async fn a_secret_is_sealed_under_its_key_and_for_its_account() {
        let sealed = kms("arn:key").seal(&account("ac_1"), b"seed").await.unwrap();
        let asked: Value = serde_json::from_slice(&STANDARD.decode(sealed).unwrap()).unwrap();
        assert_eq!(asked["KeyId"], "arn:key");
        assert_eq!(asked["EncryptionContext"], json!({ "linekeeper:account": "ac_1" }));
    }

    #[tokio::test]
    async fn a_secret_opens_for_its_own_account_only() {
        let sealed = kms("arn:key").seal(&account("ac_1"), b"seed").await.unwrap();
        assert_eq!(kms("arn:key").unseal(&account("ac_1"), &sealed).await.unwrap().as_slice(), b"seed");
        assert!(matches!(
            kms("arn:key").unseal(&account("ac_2"), &sealed).await,
            Err(Error::Aws { operation: "kms:Decrypt", .. })
        ));
        assert!(kms("arn:other").unseal(&account("ac_1"), &sealed).await.is_err());
    }

    #[tokio::test]
    async fn what_was_never_sealed_is_not_sent_to_be_opened() {
        assert!(matches!(kms("arn:key").unseal(&account("ac_1"), "not base64!").await, Err(Error::Corrupt(_))));
    }
}
