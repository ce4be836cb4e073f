//! The same seed is the same run.

use fairway_sim::{Profile, Run};

#[test]
fn a_seed_is_a_run() {
    for profile in Profile::all()
        .into_iter()
        .filter(|profile| profile.name != "thousands-of-nodes")
    {
        let run = Run::new(7, 6_000, profile.clone());
        let ((first, lines), (second, again)) = (run.traced(), run.traced());
        assert_eq!(first.is_ok(), second.is_ok());
        assert!(
            lines == again,
            "profile {}: two runs of one seed differ",
            profile.name
        );
        assert!(lines.len() > 6_000);
        let (_, other) = Run::new(8, 6_000, profile).traced();
        assert!(lines != other, "two seeds are one run");
    }
}
