use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::*;

/// A body of prepared frames that says nothing of itself. It never ends if `stalls`.
struct Silent {
    frames: Vec<Frame<Bytes>>,
    stalls: bool,
}

impl Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.frames.pop() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.stalls => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// A body that says how long it is at least and at most.
struct Sized(u64, Option<u64>);

impl Body for Sized {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("it says how long it is")
    }

    fn size_hint(&self) -> SizeHint {
        let mut size = SizeHint::new();
        self.1.inspect(|upper| size.set_upper(*upper));
        size.set_lower(self.0);
        size
    }
}

fn silent(frames: &[&'static str]) -> Silent {
    let frame = |text: &&'static str| Frame::data(Bytes::from_static(text.as_bytes()));
    Silent { frames: frames.iter().rev().map(frame).collect(), stalls: false }
}

#[tokio::test]
async fn a_body_that_says_how_long_it_is_is_not_asked() {
    let head = HeaderMap::new();
    for (least, most, is_empty) in [(0, Some(0), true), (1, None, false), (3, Some(3), false)] {
        assert_eq!(ask(Sized(least, most), (&head, Version::HTTP_2)).await.1, is_empty);
    }
}

#[tokio::test]
async fn the_head_decides_about_a_body_of_another_type() {
    let mut head = HeaderMap::new();
    assert!(ask(silent(&[]), (&head, Version::HTTP_11)).await.1);
    assert!(!ask(silent(&[]), (&head, Version::HTTP_2)).await.1);
    head.insert(header::CONTENT_LENGTH, "0".parse().expect("a value"));
    assert!(ask(silent(&[]), (&head, Version::HTTP_10)).await.1);
    head.insert(header::CONTENT_LENGTH, "1".parse().expect("a value"));
    assert!(!ask(silent(&["a"]), (&head, Version::HTTP_11)).await.1);
    head.remove(header::CONTENT_LENGTH);
    head.insert(header::TRANSFER_ENCODING, "chunked".parse().expect("a value"));
    assert!(!ask(silent(&[]), (&head, Version::HTTP_11)).await.1);
}

#[cfg(feature = "axum")]
mod of_axum {
    use axum::body::{Body as AxumBody, to_bytes};

    use super::*;

    /// Returns whether a body is empty, and all of it as the service reads it.
    async fn asked(body: Silent) -> (bool, String) {
        let (body, is_empty) = ask(AxumBody::new(body), (&HeaderMap::new(), Version::HTTP_2)).await;
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        (is_empty, String::from_utf8(bytes.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_body_is_empty_if_it_ends_at_its_first_frame() {
        assert_eq!(asked(silent(&[])).await, (true, String::new()));
        assert_eq!(asked(silent(&["", ""])).await, (true, String::new()));
        assert_eq!(asked(silent(&["a", "bc"])).await, (false, "abc".to_owned()));
        assert_eq!(asked(silent(&["", "a", "", "b"])).await, (false, "ab".to_owned()));
        assert_eq!(asked(silent(&[""; 99])).await, (false, String::new()));
    }

    #[tokio::test]
    async fn trailers_alone_are_put_back() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "1".parse().expect("a value"));
        let body = Silent { frames: vec![Frame::trailers(trailers)], stalls: false };
        let (mut body, is_empty) = ask_axum(AxumBody::new(body)).await;
        assert!(!is_empty);
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        assert!(frame.expect("a frame").expect("no error").is_trailers());
    }

    /// Returns the number of wrappers of axum around the error of a body.
    async fn wrappers(body: AxumBody) -> usize {
        let mut error = to_bytes(body, usize::MAX).await.expect_err("it fails").into_inner();
        let mut wrappers = 0;
        loop {
            match error.downcast::<axum::Error>() {
                Ok(wrapper) => error = wrapper.into_inner(),
                Err(inner) => {
                    assert!(inner.is::<std::io::Error>());
                    return wrappers;
                }
            }
            wrappers += 1;
        }
    }

    #[tokio::test]
    async fn an_error_is_put_back_as_it_was() {
        let failing = || AxumBody::from_stream(Once(Some(std::io::Error::other("cut off"))));
        let (asked, is_empty) = ask_axum(failing()).await;
        assert!(!is_empty);
        assert_eq!(wrappers(asked).await, wrappers(failing()).await);
    }

    /// A stream with one error.
    struct Once(Option<std::io::Error>);

    impl futures_core::Stream for Once {
        type Item = Result<Bytes, std::io::Error>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.take().map(Err))
        }
    }

    #[test]
    fn a_body_that_does_not_end_in_time_is_not_empty_on_any_executor() {
        let stalls = |frames: &[&'static str]| AxumBody::new(Silent { stalls: true, ..silent(frames) });
        for frames in [&[][..], &["", ""]] {
            let (_, is_empty) = crate::rt::park::block_on(ask_axum(stalls(frames)));
            assert!(!is_empty);
        }
    }

    #[tokio::test]
    async fn the_size_counts_the_frame_that_was_put_back() {
        let (body, _) = ask_axum(AxumBody::new(silent(&["abc"]))).await;
        assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (3, None));
        assert!(!body.is_end_stream());
    }
}
