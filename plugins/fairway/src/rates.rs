//! Rates, as the plugins of links ask for them: of the daemon where it is there, which keeps them on every path and
//! changes them while a container runs; otherwise of the kernel, as they are at that moment.
//!
//! What can go wrong is the daemon once more. One that is not there is asked for nothing, and one that is older than
//! these methods counts as such: a node whose plugins are newer than its daemon, as in the middle of an
//! upgrade, still limits. Whatever else it answers, or does not, makes the ADD fail. A DEL asks, and does not wait
//! for long or insist: the daemon sees a link go.

use crate::{Daemon, daemon, policy::workload};
use fairway_api::{
    Method, Nothing,
    admin::Direction,
    endpoint::{AskedRate, Shape, Shaped, VerifyRates, Workload},
    ipam::Attachment,
};
use fairway_cni::{Code, Context, Failure, FieldError};
use fairway_iface::{Kernel, Rates, rates::Asked};
use fairway_netlink::Link;

/// Who keeps rates: the daemon, or what a test has in its stead.
pub trait Keep {
    /// The attachment's rates are kept from now on; none where nobody is there to do it.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    fn shape(&self, shape: Shape) -> Result<Option<Shaped>, Failure>;

    /// The attachment's rates are kept. False: nobody is there to say it, or who is knows of none.
    ///
    /// # Errors
    /// As [`Daemon::call`], with what is wrong with them.
    fn shaped(&self, asked: VerifyRates) -> Result<bool, Failure>;
}

impl Keep for Daemon {
    fn shape(&self, shape: Shape) -> Result<Option<Shaped>, Failure> {
        self.call_if_there(Method::EndpointShape(Box::new(shape)))
    }

    fn shaped(&self, asked: VerifyRates) -> Result<bool, Failure> {
        match self.call_if_there::<Nothing>(Method::EndpointShaped(asked)) {
            Ok(answer) => Ok(answer.is_some()),
            // A plugin has asked the kernel, when the daemon was not there.
            Err(failure) if failure.code == Code::UNKNOWN_CONTAINER => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// Who asks, and for which attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    by: &'static str,
    attachment: Attachment,
    netns: String,
    workload: Workload,
    network: Option<String>,
}

impl Asking {
    /// Reads who the container is. `by` is the plugin's type, `network` the one of ours that it is in.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn read(
        by: &'static str,
        context: &Context<'_>,
        attachment: &fairway_cni::Attachment,
        netns: &str,
        network: Option<&str>,
    ) -> Result<Self, FieldError> {
        Ok(Asking {
            by,
            attachment: daemon::attachment(context.conf, attachment),
            netns: netns.to_owned(),
            workload: workload(context.conf, context.args)?,
            network: network.map(ToOwned::to_owned),
        })
    }

    /// Has rates kept on a pair of links of which `host` is the host's end. False: nobody is there to do it.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub fn ask(&self, of: &dyn Keep, host: &Link, rates: &Rates) -> Result<bool, Failure> {
        let to = rates.ingress.iter().map(|it| (Direction::Ingress, it));
        let from = rates.egress.iter().map(|it| (Direction::Egress, it));
        let shaped = of.shape(Shape {
            by: self.by.to_owned(),
            attachment: self.attachment.clone(),
            netns: self.netns.clone(),
            link: host.name.clone(),
            workload: self.workload.clone(),
            network: self.network.clone(),
            rates: to.chain(from).map(rate).collect(),
        })?;
        for warning in shaped.iter().flat_map(|shaped| &shaped.warnings) {
            eprintln!("fairway: {warning}");
        }
        Ok(shaped.is_some())
    }

    /// The same, and where nobody is there the kernel keeps what it can: it goes with the links.
    ///
    /// # Errors
    /// As [`Daemon::call`]; the field with a burst that is less than a packet; what the kernel refuses.
    pub fn keep(
        &self,
        by: &dyn Keep,
        kernel: &mut Kernel,
        (host, container): (&Link, &Link),
        rates: &Rates,
    ) -> Result<(), Failure> {
        rates.must_fit(host, container)?;
        if !self.ask(by, host, rates)? {
            rates.apply(
                (kernel.host.as_mut(), host),
                (kernel.container.as_mut(), container),
            )?;
        }
        Ok(())
    }

    /// CHECK: does the daemon keep the rates? False: nobody is there to say it.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub fn verify(&self, by: &dyn Keep) -> Result<bool, Failure> {
        by.shaped(VerifyRates {
            attachment: self.attachment.clone(),
        })
    }

    /// The same, and where nobody is there the kernel is asked. One that the daemon has told otherwise since
    /// is right to differ from the configuration.
    ///
    /// # Errors
    /// As [`Daemon::call`]; a difference.
    pub fn check(
        &self,
        by: &dyn Keep,
        kernel: &mut Kernel,
        (host, container): (&Link, &Link),
        rates: &Rates,
    ) -> Result<(), Failure> {
        if !self.verify(by)? {
            rates.check(
                (kernel.host.as_mut(), host),
                (kernel.container.as_mut(), container),
            )?;
        }
        Ok(())
    }
}

fn rate((direction, asked): (Direction, &Asked)) -> AskedRate {
    AskedRate {
        direction,
        bits: asked.limit.rate.bits_per_second(),
        burst: asked.limit.burst.map(|burst| burst.bytes().into()),
        field: asked.field.clone(),
    }
}
