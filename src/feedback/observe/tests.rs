//! Plays of edits, and the outcomes that must come of them.

use super::play::{BLANK, HOLE, Play, URI, key};
use super::{Change, Offer, Offered, Report};

#[test]
fn accepted_by_a_code_action() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["constructor", "exact ⟨hp, hq⟩"]);
    p.replace("sorry", "exact ⟨hp, hq⟩").expect(&["accepted r.s1"]);
    p.cursor("theorem z").save().expect(&[]);
}

#[test]
fn accepted_by_an_edit_that_the_editor_trimmed() {
    // `exact?` → `exact ⟨hp, hq⟩` comes from VS Code as ` ⟨hp, hq⟩` over the `?`.
    let mut p = Play::new(&HOLE.replace("sorry", "exact?"));
    p.offer("r", "exact?", false, &["exact ⟨hp, hq⟩"]);
    p.replace("?", " ⟨hp, hq⟩").expect(&["accepted r.s0"]);

    // An insertion before `skip` may be sent as one behind its first letter.
    let mut p = Play::new(&HOLE.replace("sorry", "skip"));
    let at = p.find("skip");
    let offered =
        Offered { id: "s".into(), tactic: "simp".into(), range: at..at, new_text: "simp\n  ".into() };
    let offer = Offer {
        round: "r".into(),
        uri: URI.into(),
        version: 1,
        goals: vec![key("p ∧ q")],
        asked: false,
        suggestions: vec![offered],
    };
    p.observer.offered(offer, p.now);
    p.edit(at + 1..at + 1, "imp\n  s").expect(&["accepted s"]);
}

#[test]
fn accepted_with_the_editors_own_indentation_and_line_by_line() {
    let mut p = Play::new(BLANK);
    let at = p.find("  \n") + 2;
    p.offer_at("r", at..at, false, &["constructor\n· exact hp\n· exact hq"]);
    // The editor re-indents the whole line and the lines below.
    p.edit(at - 2..at, "    constructor\n    · exact hp\n    · exact hq").expect(&["accepted r.s0"]);
}

#[test]
fn accepted_when_the_editor_removes_first_and_inserts_then() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["exact ⟨hp, hq⟩"]);
    p.replace("sorry", "");
    let at = p.find("by\n  \n") + 5;
    p.edit(at..at, "exact ⟨hp, hq⟩").expect(&["accepted r.s0"]);
}

#[test]
fn accepted_as_ghost_text_behind_its_first_letters() {
    let mut p = Play::new(BLANK);
    let at = p.find("  \n") + 2;
    p.offer_at("r", at..at, true, &["exact ⟨hp, hq⟩"]);
    p.type_at(at, "exa").edit(at + 3..at + 3, "ct ⟨hp, hq⟩").expect(&["accepted r.s0"]);
}

#[test]
fn accepted_by_report_is_not_counted_twice() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["rfl", "simp"]);
    p.replace("sorry", "rfl").report("r.s0", Report::Accepted, None).expect(&["accepted r.s0"]);

    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["rfl", "simp"]);
    p.report("r.s1", Report::Accepted, None).replace("sorry", "simp");
    p.expect(&["accepted r.s1 reported"]);
    p.save().checked(&[]).expect(&["kept r.s1"]);
}

#[test]
fn accepted_after_the_text_above_was_edited() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["exact ⟨hp, hq⟩"]);
    p.replace("trivial", "exact True.intro").replace("sorry", "exact ⟨hp, hq⟩").expect(&["accepted r.s0"]);
}

#[test]
fn only_the_newest_round_at_a_place_is_accepted() {
    let mut p = Play::new(HOLE);
    p.offer("r1", "sorry", false, &["simp"]).offer("r2", "sorry", true, &["simp", "rfl"]);
    p.replace("sorry", "simp").expect(&["accepted r2.s0"]);
    p.cursor("theorem z").save().expect(&[]);
}

#[test]
fn a_late_offer_is_ignored() {
    let mut p = Play::new(HOLE);
    p.replace("trivial", "simp");
    p.version = 1;
    p.offer("r", "sorry", true, &["rfl"]);
    p.version = 2;
    p.replace("sorry", "rfl").save().expect(&[]);
}

#[test]
fn accepted_in_part_word_by_word() {
    let mut p = Play::new(BLANK);
    let at = p.find("  \n") + 2;
    p.offer_at("r", at..at, true, &["exact ⟨hp, hq⟩"]);
    p.edit(at..at, "exact").edit(at + 5..at + 5, " ⟨hp").expect(&[]);
    p.type_at(at + " exact ⟨hp".len() - 1, "x").expect(&["accepted_part r.s0"]);

    // All parts, one after the other, are the whole.
    let mut p = Play::new(BLANK);
    p.offer_at("r", at..at, true, &["exact ⟨hp, hq⟩"]);
    p.edit(at..at, "exact").edit(at + 5..at + 5, " ⟨hp,");
    p.edit(at + "exact ⟨hp,".len()..at + "exact ⟨hp,".len(), " hq⟩").expect(&["accepted r.s0"]);

    let mut p = Play::new(BLANK);
    p.offer_at("r", at..at, true, &["exact ⟨hp, hq⟩"]);
    p.edit(at..at, "exact").cursor("theorem z").expect(&["accepted_part r.s0"]);
}

#[test]
fn typed_same_key_by_key_with_closed_brackets_and_abbreviations() {
    let mut p = Play::new(BLANK);
    let at = p.find("  \n") + 2;
    p.offer_at("r", at..at, true, &["exact And.intro (hp) hq", "exact ⟨hp, hq⟩"]);
    p.type_at(at, "exact And.intro (hp) hq").expect(&[]);
    let end = p.find("hq\n") + 2;
    p.edit(end..end, "\n  ").expect(&["typed_same r.s0"]);

    // `\<` becomes ⟨ and `\>` becomes ⟩; white space is typed in another way.
    let mut p = Play::new(BLANK);
    p.offer_at("r", at..at, false, &["simp", "exact ⟨hp, hq⟩"]);
    p.type_at(at, "exact \\<").replace("\\<", "⟨");
    let at = p.find("⟨") + "⟨".len();
    p.type_at(at, "hp,hq\\>").replace("\\>", "⟩").expect(&[]);
    p.cursor("theorem z").expect(&["typed_same r.s1"]);
}

#[test]
fn typing_on_is_not_yet_typed_same() {
    let mut p = Play::new(BLANK);
    let at = p.find("  \n") + 2;
    p.offer_at("r", at..at, true, &["simp"]);
    p.type_at(at, "simp").checked(&[]).type_at(at + 4, "_all").expect(&[]);
    p.save().checked(&[]).expect(&["typed_other r `simp_all`"]);
}

#[test]
fn typed_other_once_lean_took_it() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp", "rfl"]).replace("sorry", "");
    let at = p.find("by\n  \n") + 5;
    p.type_at(at, "constructor").checked(&["constructor"]).expect(&[]);
    let end = at + "constructor".len();
    p.edit(end..end, "\n  ").checked(&["constructor"]).goals_at(end + 3, &["p", "q"]).expect(&[]);
    // What remains is the block's error, unsolved goals: the tactic itself was taken.
    p.checked(&["by\n  constructor"]).expect(&["typed_other r `constructor`"]);
}

#[test]
fn typed_other_needs_other_goals_or_a_complete_declaration() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["simp"]);
    let at = p.find("sorry");
    p.edit(at..at, "skip\n  ").checked(&[]).goals_at(at + 7, &["p ∧ q"]).expect(&[]);
    // Without a word about the goals: the declaration still has its `sorry`.
    p.save().checked(&[]).expect(&[]);
    p.replace("sorry", "exact ⟨hp, hq⟩").checked(&[]).expect(&["typed_other r `skip`"]);

    // A question to Lean is no answer; what Lean's own quick fix makes of it is one.
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["simp"]).replace("sorry", "exact?").save().checked(&[]).expect(&[]);
    p.replace("exact?", "exact ⟨hp, hq⟩").save().checked(&[]).expect(&["typed_other r `exact ⟨hp, hq⟩`"]);
}

#[test]
fn typed_over_a_tactic_that_stood_there() {
    let mut p = Play::new(&HOLE.replace("sorry", "exact foo"));
    let at = p.find("exact foo");
    p.offer_at("r", at..at, false, &["simp\n"]);
    p.replace("foo", "⟨hp, hq⟩").save().checked(&[]).expect(&["typed_other r `exact ⟨hp, hq⟩`"]);
}

#[test]
fn rejected_and_dismissed_by_report() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["simp", "rfl"]);
    p.report("r.s0", Report::Rejected, Some("too slow"));
    assert_eq!(p.outcomes[0].reason.as_deref(), Some("too slow"));
    p.report("r.s0", Report::Rejected, None).report("r", Report::Dismissed, None);
    p.cursor("theorem z").expect(&["rejected r.s0 reported", "dismissed r reported"]);
    // Of a round that is forgotten here, the store still knows.
    p.report("old", Report::Rejected, None).expect(&["rejected old reported"]);
    p.report("old", Report::Shown, None).expect(&[]);
}

#[test]
fn ignored_only_if_it_was_shown() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["simp"]).cursor("theorem z").expect(&[]);
    p.report("r.s0", Report::Shown, None).cursor("sorry").expect(&[]);
    p.cursor("theorem z").expect(&["ignored r"]);
    p.cursor("sorry").cursor("theorem z").expect(&[]);
    p.cursor("sorry").replace("sorry", "simp").expect(&["accepted r.s0"]);
}

#[test]
fn ignored_when_the_person_edits_elsewhere_or_closes() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("theorem z", "theorem zz").expect(&["ignored r"]);

    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).offer("s", "trivial", true, &["simp"]).expect(&["ignored r"]);
    let out = p.observer.closed(URI, p.now);
    p.note(out).expect(&["ignored s"]);
}

#[test]
fn an_edit_of_the_statement_ends_the_round() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", false, &["simp"]).replace("p ∧ q", "q ∧ p").replace("sorry", "simp").save();
    p.checked(&[]).expect(&[]);
}

#[test]
fn undone_by_the_exact_reversal() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["exact ⟨hp, hq⟩"]);
    p.replace("sorry", "exact ⟨hp, hq⟩").save().wait(30_000);
    p.replace("exact ⟨hp, hq⟩", "sorry").expect(&["accepted r.s0", "undone r.s0"]);
    p.cursor("theorem z").expect(&[]);
    // Redone.
    p.replace("sorry", "exact ⟨hp, hq⟩").expect(&["accepted r.s0"]);
}

#[test]
fn undone_trimmed_deleted_or_with_what_was_typed_after() {
    let mut p = Play::new(&HOLE.replace("sorry", "exact?"));
    p.offer("r", "exact?", true, &["exact ⟨hp, hq⟩"]).replace("?", " ⟨hp, hq⟩");
    p.replace(" ⟨hp, hq⟩", "?").expect(&["accepted r.s0", "undone r.s0"]);

    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("sorry", "simp");
    p.replace("  simp\n", "").expect(&["accepted r.s0", "undone r.s0"]);

    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("sorry", "simp").replace("simp", "simp\n  rfl");
    p.replace("simp\n  rfl", "sorry").expect(&["accepted r.s0", "undone r.s0"]);
}

#[test]
fn a_late_reversal_after_a_save_is_not_undone() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("sorry", "simp").save().wait(60_001);
    p.replace("simp", "sorry").expect(&["accepted r.s0"]);

    // Without a save, time does not matter.
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("sorry", "simp").wait(600_000);
    p.replace("simp", "sorry").expect(&["accepted r.s0", "undone r.s0"]);
}

#[test]
fn kept_when_saved_and_complete() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["constructor"]).replace("sorry", "constructor");
    let end = p.find("constructor") + 11;
    p.expect(&["accepted r.s0"]).checked(&["by\n  constructor"]).save().expect(&[]);
    p.edit(end..end, "\n  · exact hp\n  · exact hq").checked(&[]).expect(&["kept r.s0"]);
    p.save().checked(&[]).expect(&[]);
    // Within the minute it may still be taken back: the later word counts.
    p.replace("constructor\n  · exact hp\n  · exact hq", "sorry").expect(&["undone r.s0"]);
}

#[test]
fn kept_survives_edits_elsewhere_and_a_restart_of_the_file() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("sorry", "simp").replace("theorem a", "theorem aa");
    let out = p.observer.closed(URI, p.now);
    p.note(out);
    p.observer.opened(URI, p.version, p.text.as_str().into());
    p.save().checked(&["trivial"]).expect(&["accepted r.s0", "kept r.s0"]);
}

#[test]
fn not_kept_after_it_was_altered() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("sorry", "simp").replace("simp", "simp_all").save();
    p.checked(&[]).expect(&["accepted r.s0"]);
}

#[test]
fn several_changes_in_one_notification_are_followed_one_by_one() {
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]);
    let (z, a) = (p.find("theorem z"), p.find("theorem a"));
    p.edits(&[(z..z, "-- z\n"), (a..a, "-- a\n")]).expect(&["ignored r"]);
    p.replace("sorry", "simp").expect(&["accepted r.s0"]);
}

#[test]
fn two_documents_are_kept_apart() {
    let mut p = Play::new(HOLE);
    let other = "file:///p/B.lean";
    p.observer.opened(other, 1, HOLE.into());
    p.offer("r", "sorry", true, &["simp"]);
    p.uri = other.into();
    p.offer("s", "sorry", true, &["simp"]);
    p.replace("sorry", "simp").expect(&["accepted s.s0"]);
    (p.uri, p.version, p.text) = (URI.into(), 1, HOLE.into());
    p.replace("sorry", "rfl").save().checked(&[]).expect(&["typed_other r `rfl`"]);
}

#[test]
fn nothing_that_a_peer_sends_makes_it_panic() {
    let mut p = Play::new(HOLE);
    p.offer_at("r", 3..99_999, true, &["simp"]).expect(&[]);
    p.offer_at("r", HOLE.find('∧').unwrap() + 1..60, true, &["simp"]).expect(&[]);
    p.observer.changed("file:///unknown", 3, "x".into(), &[], 0);
    p.observer.checked(URI, 1, std::slice::from_ref(&(5..99_999)), &[], 0);
    p.observer.goals_seen(URI, 1, 99_999, &[], 0);
    p.observer.cursor(URI, 99_999, 0);
    p.offer("r", "sorry", true, &["simp"]);
    p.observer.changed(URI, 2, "".into(), &[], 0);
    p.observer.changed(URI, 3, "a".into(), &[Change { range: 7..99, text: "a".into() }], 0);
    // A round that is done is not followed into a text that is shorter than its place.
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]).replace("p ∧ q", "q");
    let whole = 0..p.text.len();
    p.edit(whole, "theorem ∧").cursor("theorem").save().checked(&[]);
    // Parts that claim what is not so.
    let mut p = Play::new(HOLE);
    p.offer("r", "sorry", true, &["simp"]);
    #[expect(clippy::reversed_empty_ranges)]
    for range in [9..3, 0..1, 70..99_999] {
        p.version += 1;
        p.text = format!("∧{}x", p.text);
        let changes = [Change { range, text: "∧∧".into() }];
        p.observer.changed(URI, p.version, p.text.as_str().into(), &changes, p.now);
    }
    p.save().cursor("theorem z");
}
