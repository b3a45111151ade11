//! The end of a GET, whatever goes on over its connection. ureq gives each read the whole time for connecting while it waits
//! for what a proxy says.

use ureq::Timeout;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// Puts the deadline on every connection, that to a proxy too.
#[derive(Debug)]
pub(super) struct DeadlineConnector {
    pub(super) until: Instant,
}

impl<In: Transport> Connector<In> for DeadlineConnector {
    type Out = DeadlineTransport<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|transport| DeadlineTransport { transport, until: self.until }))
    }
}

/// A connection on which nothing is waited for past the deadline.
#[derive(Debug)]
pub(super) struct DeadlineTransport<T> {
    transport: T,
    until: Instant,
}

impl<T> DeadlineTransport<T> {
    fn within(&self, timeout: NextTimeout) -> Result<NextTimeout, ureq::Error> {
        let (Instant::Exact(until), Instant::Exact(now)) = (self.until, Instant::now()) else {
            return Ok(timeout);
        };
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            return Err(ureq::Error::Timeout(Timeout::Global));
        }
        Ok(NextTimeout { after: Duration::Exact(left.min(*timeout.after)), ..timeout })
    }
}

impl<T: Transport> Transport for DeadlineTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let timeout = self.within(timeout)?;
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let timeout = self.within(timeout)?;
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}
