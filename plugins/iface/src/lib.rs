//! What every interface plugin does alike: addresses and routes in the container, IPAM around them.
