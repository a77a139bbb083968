//! The stored form of a [`CachedResponse`].

use std::any::Any;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::codec::fingerprint::fingerprint;
use crate::codec::{Codec, Decode, DecodeError, Encode, StoredForm};
use crate::site::outcome::Value;
use crate::types::error::Error;
use crate::types::windows::StaleWindows;

use super::cached::{CachedResponse, Selectors, Stored, StoredResponse, VaryIndex};
use super::times::ResponseTimes;
use super::wire::{ByteReader, ByteWriter};

/// The number of headers that a hit gets beside the stored ones, here and in the server. A map that grows is hashed again.
const ADDED: usize = 6;

const RESPONSE: u8 = 1;
const INDEX: u8 = 2;

impl Encode for CachedResponse {
    fn form(_: Codec) -> StoredForm {
        StoredForm::Response
    }

    fn encode(&self, _: StoredForm, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut writer = ByteWriter(out);
        match self.stored() {
            Stored::Response(stored) => write_response(stored, &mut writer),
            Stored::Index(index) => {
                writer.byte(INDEX);
                writer.rest(&index.stamp);
                let Selectors { names, credentials } = &index.selectors;
                writer.byte((*credentials).into());
                writer.number(names.len() as u64);
                names.iter().for_each(|name| writer.text(name.as_str().as_bytes()));
            }
        }
        Ok(())
    }
}

impl Decode for CachedResponse {
    const IS_SHARED: bool = true;

    fn decode(form: StoredForm, bytes: &[u8], whole: &Bytes) -> Result<Self, DecodeError> {
        if form != StoredForm::Response {
            return Err(DecodeError::new("no HTTP response"));
        }
        // Slices of the whole, so that neither values nor body are copied.
        let mut reader = ByteReader::new(whole.slice_ref(bytes));
        let read = match reader.byte() {
            Some(RESPONSE) => read_response(reader),
            Some(INDEX) => read_index(reader),
            _ => None,
        };
        read.ok_or_else(|| DecodeError::new("damaged"))
    }

    fn fingerprint(_: StoredForm) -> u64 {
        static FINGERPRINT: LazyLock<u64> = LazyLock::new(fingerprint::<CachedResponse>);
        *FINGERPRINT
    }

    fn shared(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(Arc::new(self.clone()))
    }

    fn of_shared(value: &(dyn Any + Send + Sync)) -> Option<Self> {
        value.downcast_ref::<Self>().cloned()
    }

    fn windows(&self) -> Option<StaleWindows> {
        match self.stored() {
            Stored::Response(stored) => Some(stored.times.windows),
            Stored::Index(_) => Some(StaleWindows::default()),
        }
    }

    fn refreshes_ahead(&self) -> bool {
        self.as_response().is_some()
    }

    /// Bodies have a limit of their own, [`super::MAX_BODY`]; a builder with another limit decides.
    fn limit(limit: usize) -> usize {
        if limit == crate::store::MAX_VALUE { super::MAX_BODY + (1 << 20) } else { limit }
    }
}

#[diagnostic::do_not_recommend]
impl Value for CachedResponse {}

fn write_response(stored: &StoredResponse, writer: &mut ByteWriter<'_>) {
    writer.byte(RESPONSE);
    writer.number(stored.status.as_u16().into());
    let ResponseTimes { received_ms, initial_age, fresh, windows } = stored.times;
    writer.number(received_ms);
    writer.time(initial_age);
    writer.time(fresh);
    for window in [windows.revalidate, windows.error, windows.compare] {
        writer.time(window.unwrap_or_default());
    }
    writer.number(stored.headers.len() as u64);
    for (name, value) in &stored.headers {
        writer.text(name.as_str().as_bytes());
        writer.text(value.as_bytes());
    }
    writer.rest(&stored.body);
}

fn read_response(mut reader: ByteReader) -> Option<CachedResponse> {
    let status = StatusCode::from_u16(u16::try_from(reader.number()?).ok()?).ok()?;
    let (received_ms, initial_age, fresh) = (reader.number()?, reader.time()?, reader.time()?);
    let windows = StaleWindows {
        revalidate: non_zero(reader.time()?),
        error: non_zero(reader.time()?),
        compare: non_zero(reader.time()?),
    };
    let count = reader.number()?;
    // The claimed count is not reserved: the bytes may be foreign.
    let mut headers = HeaderMap::with_capacity(count.min(32) as usize + ADDED);
    for _ in 0..count {
        let name = HeaderName::from_bytes(reader.name()?).ok()?;
        headers.try_append(name, HeaderValue::from_maybe_shared(reader.text()?).ok()?).ok()?;
    }
    let times = ResponseTimes { received_ms, initial_age, fresh, windows };
    Some(CachedResponse::new(status, headers, reader.rest(), times))
}

fn read_index(mut reader: ByteReader) -> Option<CachedResponse> {
    let stamp = reader.take(16)?.first_chunk().copied()?;
    let credentials = match reader.byte()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let count = reader.number()?;
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(HeaderName::from_bytes(reader.name()?).ok()?);
    }
    let is_whole = reader.rest().is_empty();
    let selectors = Selectors { names: names.into(), credentials };
    is_whole.then(|| CachedResponse::index(VaryIndex { stamp, selectors }))
}

fn non_zero(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}
