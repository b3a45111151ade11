//! Connections: accepting them, bounding them, closing them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

const MAX_CONNECTIONS: usize = 256;
const MAX_HEADERS: usize = 64;
/// For the request line and all headers together.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// How long the headers of a request may take to arrive; an idle connection is closed after the same time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests that are being answered may go on once the server stops.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// After an accept that failed for want of a file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is sent or dropped.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: oneshot::Receiver<()>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let shutdown = GracefulShutdown::new();
    loop {
        let (stream, slot) = tokio::select! {
            _ = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http1_builder().serve_connection(TokioIo::new(stream), service);
        let connection = shutdown.watch(connection);
        tokio::spawn(async move {
            let _ = connection.await; // a connection that breaks concerns its client alone
            drop(slot);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_GRACE, shutdown.shutdown()).await;
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let slot = Arc::clone(slots).acquire_owned().await.ok(); // never closed
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::request::Body;

    /// What a server answers to a request that stops in the middle, until it closes the connection. The clock
    /// runs ahead whenever nothing else is left to do.
    async fn answer_to(unfinished_request: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = oneshot::channel();
        let router = Router::new().route("/", axum::routing::post(async |_: Body| "read"));
        tokio::spawn(serve(listener, router, stopped));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(unfinished_request).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    }

    #[tokio::test(start_paused = true)]
    async fn connection_whose_headers_never_end_is_closed() {
        assert_eq!(answer_to(b"POST / HTTP/1.1\r\nHost: a\r\n").await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connection_is_closed() {
        assert_eq!(answer_to(b"").await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_never_ends_is_a_request_timeout() {
        let response = answer_to(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na").await;
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    }
}
