//! The model's VRFs.

use nix::errno::Errno;

use super::{Change, Recorder};
use crate::error::Result;
use crate::link::{Link, LinkKind};
use crate::vrf::VrfSpec;

impl Recorder {
    pub(super) fn new_vrf(&self, spec: &VrfSpec) -> Result<()> {
        let change = Change::CreateVrf(spec.clone());
        self.change(change, "create vrf", &spec.name, |model, place| {
            model.free(place, &spec.name)?;
            if spec.table == 0 {
                return Err(Errno::EINVAL);
            }
            model.put(
                place,
                Link {
                    up: true,
                    kind: Some(LinkKind::Vrf { table: spec.table }),
                    ..Link::new(0, &spec.name)
                },
            );
            Ok(())
        })
    }
}
