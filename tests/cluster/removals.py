"""Which rule is where, and which tests fail without it? One entry takes one rule out of the source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Removal:
    """In `path` (below src) `old`, which stands there once, becomes `new`; each of `tests` in `tests_in` fails."""

    rule: str
    path: str
    old: str
    new: str
    tests_in: str
    tests: tuple[str, ...]


def _cluster(rule: str, module: str, old: str, new: str, *tests: str, tests_in: str = "") -> Removal:
    where = f"cluster/test_{tests_in or module}.py"
    return Removal(rule, f"howdah/cluster/{module}.py", old, new, where, tests)


def _keeper(rule: str, old: str, new: str, *tests: str) -> Removal:
    return Removal(rule, "howdah/agent/keeper.py", old, new, "agent/test_keeper.py", tests)


HISTORIES = (
    _cluster(
        "TERM OF THE WAL: from the timeline of the last record", "history",
        "return Position(chain[-1].term, chain[-1].end)",
        "return Position(max(x.term for x in chain) + 1, chain[-1].end)",
        "test_the_term_of_the_wal_is_that_of_the_last_timeline_s_promotion",
    ),
    _cluster(
        "TERM OF THE WAL: without an entry there is none", "history",
        "    if any(number not in terms for number, _ in steps):\n"
        "        return None\n    return tuple(Link(number, terms[number], end)",
        "    return tuple(Link(number, terms.get(number, 0), end)",
        "test_a_timeline_without_an_entry_has_no_term_so_there_is_no_chain",
    ),
    _cluster(
        "TERM OF THE WAL: parents of one number are told apart", "history",
        " and child.parent_term in (0, e.term)", "",
        "test_a_chain_from_the_record_follows_the_promotion_that_it_came_from",
    ),
    _cluster(
        "PREFIX: the end is at or before the switch", "history",
        "if common == len(mine) and ours.end <= other.end:", "if common == len(mine):",
        "test_a_server_past_the_switch_has_diverged_there_however_small_its_log_is",
        "test_a_longer_log_of_the_older_term_is_no_prefix",
    ),
    _cluster(
        "PREFIX: chains are compared by term too", "history",
        "if (ours.timeline, ours.term) != (other.timeline, other.term):", "if ours.timeline != other.timeline:",
        "test_one_timeline_number_promoted_in_two_terms_is_foreign",
    ),
    _cluster(
        "return: one number promoted twice is never rewound", "history",
        "if terms.get(link.timeline, link.term) != link.term:", "if not link:",
        "test_an_equal_timeline_number_with_another_map_entry_means_clone_never_stream_or_rewind",
        tests_in="returning",
    ),
    _cluster(
        "return: a forced term keeps the directory aside", "returning",
        "            if forced:\n", "            if forced and not fork:\n",
        "test_no_server_is_rewound_or_cloned_over_across_a_forced_term",
    ),
    _cluster(
        "LAST COPY: a rewind waits for the barrier", "returning",
        "    if other_voter_lives:\n", "    if other_voter_lives and end is None:\n",
        "test_while_another_voter_can_flush_the_barrier_nobody_rewinds",
    ),
    _cluster(
        "LAST COPY: another copy holds as much", "returning",
        "if any(member != me and position >= end for member, position in others):", "if others or not others:",
        "test_the_last_copy_is_never_given_up",
    ),
    _cluster(
        "LAST COPY: a server that is not heard is no copy", "following",
        "for p in o.peers if p.connected and p.published.position)", "for p in o.peers if p.published.position)",
        "test_a_copy_on_a_server_that_was_heard_long_ago_is_no_copy",
    ),
    _cluster(
        "LAST COPY: a broken directory waits", "following",
        "not (o.store.record and o.store.record.serving):", "not o.store.record:",
        "test_a_broken_directory_waits_until_the_primary_serves_and_is_kept_aside",
    ),
    _cluster(
        "FLOOR: no vote below", "following",
        "    if below_floor(o.server.position, o.local.floor):\n        return f", "    if not o.me:\n        return f",
        "test_whoever_cannot_be_primary_does_not_stand_and_says_why",
    ),
    _cluster(
        "FLOOR: only grows", "returning", "return max(current, new)", "return min(current, new)",
        "test_the_floor_only_grows_and_is_compared_as_term_and_position",
    ),
    _cluster(
        "FLOOR: compared as (term, LSN)", "returning",
        "(end is None or end < floor)", "(end is None or end.lsn < floor.lsn)",
        "test_below_the_floor_there_is_no_vote",
    ),
)  # fmt: skip

QUORUM = (
    _cluster(
        "NEVER EMPTY: nobody is named", "quorum",
        "    if not voters:\n        return NAMES_NOBODY", "    if not voters:\n        return SyncSetting(0, ())",
        "test_in_quorum_mode_the_setting_is_never_empty",
    ),
    _cluster(
        "NEVER EMPTY: at least one is waited for", "quorum", "SyncSetting(max(k, 1), tuple(", "SyncSetting(k, tuple(",
        "test_in_quorum_mode_at_least_one_is_waited_for_even_before_k_was_raised",
    ),
    _cluster(
        "names carry the term", "quorum", 'return f"{node}.t{term}"', 'return f"{node}.t{term - term}"',
        "test_the_setting_names_the_voters_with_the_term_in_their_names",
        "test_names_of_an_older_term_are_strangers_to_the_record",
    ),
    _cluster(
        "ONE CONNECTION: names are counted, not rows", "quorum",
        "proven = {w.application_name for w in walsenders if w.application_name in names and w.flush_lsn >= lsn}",
        "proven = [w.application_name for w in walsenders if w.application_name in names and w.flush_lsn >= lsn]",
        "test_one_server_connected_twice_is_one_connection",
    ),
    _cluster(
        "a flush is proved by flush_lsn", "quorum", " and w.flush_lsn >= lsn}", "}",
        "test_a_flush_counts_only_at_or_past_the_position",
    ),
    _cluster(
        "a flush is proved by named voters", "quorum",
        "if w.application_name in names and w.flush_lsn", "if w.flush_lsn",
        "test_a_stranger_or_a_name_of_another_term_flushes_nothing",
    ),
    _cluster(
        "the count: |V| - k + 1", "quorum", "return voters - k + 1", "return voters - k",
        "test_one_of_two_voters_is_not_enough_with_k_1", tests_in="election",
    ),
    _cluster(
        "LIVE: a new connection shows it", "live", "if shown != str(wanted):", "if not shown:",
        "test_a_new_connection_has_to_show_it",
    ),
    _cluster(
        "LIVE: the dropped voter's walsender", "live", " and walsender.sync_priority != 0:", " and not walsender:",
        "test_the_dropped_voter_s_walsender_must_not_count_as_synchronous_any_more",
    ),
    _cluster(
        "LIVE: walsenders older than the reload", "live",
        "if raised and walsender.pid in older_pids:", "if raised and not walsender:",
        "test_for_a_raised_k_every_walsender_older_than_the_reload_has_ended",
    ),
    _cluster(
        "LIVE: the checkpoint", "live", "if was_empty and not checkpointed:", "if was_empty and not shown:",
        "test_from_an_empty_setting_a_later_checkpoint_has_to_complete",
    ),
    _cluster(
        "tighten: k of the rest can flush the barrier", "voters", "if len(rest) < record.k:", "if rest is None:",
        "test_no_voter_is_dropped_while_too_few_others_stream_to_flush_the_barrier",
    ),
    _cluster(
        "tighten: PostgreSQL's setting lacks the dropped voter", "voters",
        "tuple(n for n in names if n != voter.name)", "tuple(names)",
        "test_postgresql_s_tightened_setting_lacks_the_dropped_voter",
    ),
    _cluster(
        "k never follows the live servers down", "voters",
        "if record.k > target or", "if record.k > min(target, sum(s.fit for s in standings)) or",
        "test_k_is_lowered_only_by_the_operator_and_never_follows_the_number_of_live_servers",
    ),
    _cluster(
        "IDENTITY: a replaced disk is admitted only after the drop", "voters",
        "and not record.voter(standing.member) and not replaced:", "and not record.voter(standing.member):",
        "test_a_new_disk_under_a_voter_s_name_is_admitted_only_after_the_old_one_is_dropped",
    ),
)  # fmt: skip

VOTES = (
    _cluster(
        "revocation 1: the setting is blank", "revocation",
        "return Missing.SETTING if view.shown_conninfo or view.shown_restore_command else None", "return None",
        "test_proof_1_a_new_connection_shows_neither_primary_nor_archive",
    ),
    _cluster(
        "revocation 1: the archive too", "revocation",
        "if view.shown_conninfo or view.shown_restore_command else", "if view.shown_conninfo else",
        "test_proof_1_a_new_connection_shows_neither_primary_nor_archive",
    ),
    _cluster(
        "STARTUP PROOF", "revocation", 'return None if view.pause_state == "paused" else', "return None if view else",
        "test_proof_2_only_the_startup_process_itself_reaches_paused",
    ),
    _cluster(
        "revocation 3: no receiver",
        "revocation",
        "view.receivers == 0 and view.startup_waits ==",
        "view.startup_waits ==",
        "test_proof_3_a_receiver_that_is_still_connecting_counts_as_one",
    ),
    _cluster(
        "revocation 3: the startup process sleeps", "revocation",
        "view.receivers == 0 and view.startup_waits == WAITS_FOR_SOURCE", "view.receivers == 0",
        "test_proof_3_a_receiver_that_is_still_connecting_counts_as_one",
    ),
    _cluster(
        "revocation 4: replay", "revocation",
        "return None if view.startup_waits == WAITS_FOR_SOURCE else Missing.REPLAY", "return None",
        "test_proof_4_what_was_received_is_replayed_unless_only_a_torn_record_is_left",
    ),
    _cluster(
        "NEVER WITHDRAWN: no lower promise", "revocation", "if asked < local.promise:", "if asked < 0:",
        "test_a_higher_promise_is_never_withdrawn",
    ),
    _cluster(
        "NEVER WITHDRAWN: follows no lower term", "revocation", "return term >= local.promise", "return term > 0",
        "test_a_server_follows_only_a_primary_of_its_promise_or_above",
    ),
    _cluster(
        "NEVER WITHDRAWN: the rule asks", "following",
        "if not may_follow(o.local, record.term) or peer", "if peer",
        "test_a_server_follows_no_primary_below_its_promise",
    ),
    _cluster(
        "NEVER WITHDRAWN: reports again", "revocation",
        "return asked == local.promise and follows_term < asked", "return asked == follows_term",
        "test_a_voter_that_does_not_follow_the_term_yet_reports_again",
    ),
    _cluster(
        "a half-made directory never votes", "revocation", "if local.marker is not Marker.NONE:", "if not local:",
        "test_a_half_made_directory_never_votes",
    ),
    _cluster(
        "(term, LSN) instead of LSN", "election",
        "best = max(votes, key=lambda r: (r.position,", "best = max(votes, key=lambda r: (r.position.lsn,",
        "test_a_longer_log_of_an_older_term_loses",
    ),
    _cluster(
        "only voters vote", "election", "if record.voter(member)]", "if member]",
        "test_a_report_of_a_server_that_is_no_voter_is_no_vote", "test_a_new_disk_under_a_voter_s_name_is_no_voter",
    ),
    _cluster(
        "IDENTITY: a voter is a data directory", "record",
        "return member in self.voters", "return member.name in {v.name for v in self.voters}",
        "test_a_new_disk_under_a_voter_s_name_is_no_voter",
    ),
    _cluster(
        "IDENTITY: the holder is a data directory", "observation",
        "self.store.record.holder == self.me", "self.store.record.holder.name == self.me.name",
        "test_the_holder_is_a_data_directory_not_a_name",
    ),
    _cluster(
        "SAME RECORD: counting", "election",
        "counted = {r.member: r for r in reports if r.term == term and r.basis == record.basis}",
        "counted = {r.member: r for r in reports if r.term == term}",
        "test_reports_for_any_other_record_are_not_counted",
    ),
    _cluster(
        "SAME RECORD: the term asked for", "election",
        "counted = {r.member: r for r in reports if r.term == term and", "counted = {r.member: r for r in reports if",
        "test_reports_for_another_term_are_not_counted",
    ),
    _cluster(
        "SAME RECORD: the swap", "changes", "if record.basis != change.basis:", "if record.k != change.basis.k:",
        "test_a_win_counted_for_another_record_is_refused",
        "test_taking_back_changes_the_generation_so_that_the_target_cannot_win_meanwhile",
        "test_a_win_that_was_counted_before_the_term_was_raised_in_place_fails",
    ),
    _cluster(
        "SAME RECORD: what was proved", "changes",
        "change.proved not in (None, record.basis):", "change.proved is record:",
        "test_what_was_proved_for_one_set_of_voters_proves_nothing_for_another",
    ),
    _cluster(
        "SAME RECORD: a report is made anew", "following",
        "o.report.term == o.asked and o.report.basis == record.basis:", "o.report.term == o.asked:",
        "test_a_report_for_another_record_is_made_anew",
    ),
    _cluster(
        "HOLDER VOTES FOR ALL", "election", "    if holder is not None:\n", "    if holder is not None and not mine:\n",
        "test_the_holder_stopped_for_good_votes_for_all",
        "test_whoever_has_all_that_the_stopped_holder_had_may_win_voter_or_not",
    ),
    _cluster(
        "HOLDER VOTES FOR ALL: only stopped for good", "election",
        "report is not None and report.holder_stopped and", "report is not None and",
        "test_a_holder_that_was_not_started_in_recovery_does_not_vote_for_all",
    ),
    _cluster(
        "HOLDER VOTES FOR ALL: at or above its position", "election",
        "if mine.position >= holder:", "if mine.position:",
        "test_the_holder_stopped_for_good_votes_for_all",
        "test_a_hand_over_is_won_by_whoever_has_the_shutdown_checkpoint",
    ),
    _cluster(
        "HOLDER VOTES FOR ALL: a hand-over only while released", "election",
        "if record.released and record.handover is not None:", "if record.handover is not None:",
        "test_a_hand_over_that_was_taken_back_counts_for_nothing",
    ),
    _cluster(
        "async: the lag limit across terms", "election",
        "            return fork.lsn\n", "            return position.lsn\n",
        "test_in_async_mode_the_lag_of_an_older_term_is_counted_from_where_the_histories_part",
    ),
    _cluster(
        "async: no suspicion", "suspicion", "if record.mode is Mode.ASYNC or record.k == 0:", "if record.mode is None:",
        "test_async_mode_never_uses_suspicion",
    ),
    _cluster(
        "suspicion: enough voters to revoke",
        "suspicion",
        "if me in suspecting_voters and len(",
        "if me in names or len(",
        "test_enough_voters_to_revoke_have_to_suspect_and_the_candidate_itself",
    ),
)  # fmt: skip

CHANGES = (
    _cluster(
        "V after the swap: the old primary is in", "changes",
        "tuple(sorted({*record.voters, record.holder} - {change.winner}))",
        "tuple(sorted({*record.voters} - {change.winner}))",
        "test_a_win_takes_the_winner_out_of_the_voters_and_puts_the_old_primary_in_dead_or_not",
    ),
    _cluster(
        "V after the swap: the winner is out", "changes",
        "voters = tuple(v for v in voters if v.name != change.winner.name)", "voters = tuple(voters)",
        "test_a_winner_under_the_old_primary_s_name_leaves_no_second_server_of_that_name",
    ),
    _cluster(
        "a win needs a higher term", "changes", "if change.term <= record.term:", "if change.term < 0:",
        "test_a_win_needs_a_higher_term",
    ),
    _cluster(
        "async: the lease counter is unchanged", "changes",
        "if change.counter is not None and record.lease_counter != change.counter:", "if change.counter == 0:",
        "test_a_win_survives_renewals_in_quorum_mode_but_not_in_async",
    ),
    _cluster(
        "only the holder makes its changes", "changes",
        "            if record.holder != change.holder:\n",
        "            if record.holder.name != change.holder.name:\n",
        "test_what_the_holder_does_is_refused_to_everybody_else",
    ),
    _cluster(
        "only in its own term",
        "changes",
        "            if record.term != change.term:\n",
        "            if record.term < 0:\n",
        "test_what_the_holder_does_in_a_term_that_is_over_is_refused",
    ),
    _cluster(
        "a lease given up is not renewed", "changes",
        "            if record.released:\n                return NotAllowed(\"the lease was given up;",
        "            if record.term < 0:\n                return NotAllowed(\"the lease was given up;",
        "test_a_lease_that_was_given_up_is_neither_renewed_nor_raised_but_taken_back",
    ),
    _cluster(
        "taking back is a new generation", "changes",
        "released=False, serving=False, handover=None, generation=record.generation + 1)",
        "released=False, serving=False, handover=None, generation=record.generation)",
        "test_taking_back_changes_the_generation_so_that_the_target_cannot_win_meanwhile",
    ),
    _cluster(
        "A FAILED ELECTION: the term is raised in place", "leading", "if highest > record.term:", "if highest < 0:",
        "test_a_holder_that_learns_of_a_higher_promise_raises_its_own_term_in_place",
        "test_its_own_promise_counts_too_and_is_raised_before_anything_starts",
    ),
    _cluster(
        "A FAILED ELECTION: of configured servers",
        "leading",
        "for p in o.peers if _configured(o, p))]\n    highest",
        "for p in o.peers)]\n    highest",
        "test_the_promise_of_a_server_that_was_removed_counts_for_nothing",
    ),
    _cluster(
        "no voter is dropped below k", "changes", "if len(rest) < record.k:", "if len(rest) < 0:",
        "test_no_voter_is_dropped_below_k",
    ),
    _cluster(
        "k is no more than the voters", "changes", "if k > len(record.voters):", "if k < 0:",
        "test_k_is_never_more_than_the_voters",
    ),
    _cluster(
        "V never contains the primary", "changes", "if voter.name == record.holder.name:", "if voter == record.holder:",
        "test_the_primary_is_never_a_voter",
    ),
    _cluster(
        "first start: not once established", "changes",
        "if record.phase is not Phase.INITIALISING:", "if record.phase is None:",
        "test_a_first_start_is_taken_over_only_while_nobody_was_ever_served",
    ),
    _keeper(
        "SETTLE: reading the old value settles nothing",
        "if self._pending and self._version != self._pending.version:", "if self._pending:",
        "test_reading_the_old_value_again_does_not_settle_a_swap_that_may_still_land",
    ),
    _keeper(
        "SETTLE: an unknown swap is sent again until it is settled",
        "                    uncertain = True\n", "                    return False\n",
        "test_a_swap_of_unknown_outcome_that_happened_is_found_and_made_once",
    ),
    _keeper(
        "the lease counts from before the sending",
        "max(self.renewed_sent_boot_ms, sent_boot_ms)",
        "self._clock.boot_ms()",
        "test_the_lease_counts_from_before_the_renewal_was_sent",
    ),
    _keeper(
        "expiry: a lease after the store was away",
        "elif began_mono_ms - self._last_read_mono_ms >= self.policy.lease_ttl_ms:", "elif began_mono_ms < 0:",
        "test_when_the_store_comes_back_the_holder_has_a_lease_to_renew_in",
    ),
)  # fmt: skip

CONDUCT = (
    _cluster(
        "HIGHER TERM: an unexpected primary is killed", "fencing",
        "if o.server.state is not ServerState.PRIMARY or o.store.record is None or o.is_holder:",
        "if o.server.state is not ServerState.PRIMARY or o.store.record is None or not o.is_holder:",
        "test_a_primary_that_sees_another_holder_is_killed_first",
    ),
    _cluster(
        "RELEASED: does not run", "fencing", "and o.store.record.released:", "and not o.store.record.term:",
        "test_whoever_gave_the_lease_up_does_not_run_as_a_primary",
    ),
    _cluster(
        "LEASE DEADLINE: killed", "fencing", "if o.now_boot_ms >= o.deadlines.kill_ms:", "if o.now_boot_ms < 0:",
        "test_a_primary_that_cannot_renew_shuts_clients_out_first_and_is_then_killed",
    ),
    _cluster(
        "LEASE DEADLINE: clients first", "fencing",
        "if o.gate_open and o.now_boot_ms >= o.deadlines.gate_ms:", "if o.gate_open and o.now_boot_ms < 0:",
        "test_a_primary_that_cannot_renew_shuts_clients_out_first_and_is_then_killed",
    ),
    _cluster(
        "LEASE DEADLINE: a silent primary too", "fencing",
        "(o.served_term or (facts and not facts.in_recovery))", "(o.served_term and facts)",
        "test_a_silent_primary_is_killed_at_the_deadline_whether_it_still_serves_or_not",
    ),
    _cluster(
        "DEAD-MAN: no serving without it", "fencing", "if not o.deadman_alive and o.gate_open and", "if not o.me and",
        "test_without_a_live_dead_man_no_client_is_served",
    ),
    _cluster(
        "DEAD-MAN: nor beginning to", "leading", "    if not o.deadman_alive:\n", "    if not o.me:\n",
        "test_without_a_live_dead_man_no_client_is_served", tests_in="fencing",
    ),
    _cluster(
        "IDENTITY: another identity is not started", "fencing",
        "if directory.identity != o.local.member_id:", "if not o.me:",
        "test_a_directory_with_another_identity_was_put_there_from_elsewhere",
    ),
    _cluster(
        "barrier after every restart", "leading", "if o.served_term == record.term and o.gate_open and record.serving",
        "if record.serving",
        "test_every_restart_goes_through_the_barrier_again",
    ),
    _cluster(
        "clients only at k >= 1", "leading", "o.intents.effective_mode is Mode.QUORUM and record.k < 1:", "not o.me:",
        "test_in_quorum_mode_clients_are_let_in_only_once_k_is_at_least_1",
    ),
    _cluster(
        "loosening before the barrier",
        "leading",
        "if isinstance(change, Admit | LowerK) or",
        "if isinstance(change, Drop) or",
        "test_the_first_voters_are_admitted_and_k_is_raised_before_the_barrier",
        "test_the_operator_s_loosening_is_done_before_the_barrier_which_may_never_pass_otherwise",
    ),
    _cluster(
        "a restarted holder waits for the store", "leading",
        "if record is None or record.released or not o.store.reachable:", "if record is None or record.released:",
        "test_a_restarted_holder_waits_for_the_store",
    ),
    _cluster(
        "the holder resumes its own term", "leading",
        'return Proposal(f"this server holds term {record.term} and is in recovery", ResumeService(record.term))',
        "return None",
        "test_the_holder_resumes_its_own_term",
    ),
    _cluster(
        "PREFIX: before it is admitted", "leading",
        "if state.prefix_term < record.term and", "if state.prefix_term < 0 and",
        "test_a_standby_whose_history_was_not_checked_for_this_term_is_not_fit",
    ),
    _cluster(
        "PREFIX: checked again for each term", "following",
        "follows_holder(o, name) and checked and", "follows_holder(o, name) and",
        "test_a_non_voter_is_checked_again_for_each_term_so_that_it_can_be_admitted",
    ),
    _cluster(
        "PREFIX: who diverged does not stream",
        "following",
        "        case Stream() if not lost:\n",
        "        case _ if not lost:\n",
        "test_a_former_primary_rewinds_to_where_it_left_and_keeps_that_as_its_floor",
    ),
    _cluster(
        "a non-voter's name stands in no setting", "following",
        "return wait_name(o.me.name, record.term) if record.voter(o.me) else o.me.name",
        "return wait_name(o.me.name, record.term)",
        "test_a_server_that_is_no_voter_streams_under_its_bare_name_which_stands_in_no_setting",
    ),
    _cluster(
        "only a promoted holder is followed", "following", " or peer.published.promoted_term != record.term:", ":",
        "test_a_holder_that_is_not_promoted_yet_is_not_followed",
    ),
    _cluster(
        "rewind only from a checkpointed primary",
        "following",
        "if not source.published.rewind_ready:",
        "if not source:",
        "test_it_waits_until_the_new_primary_has_checkpointed",
    ),
    _cluster(
        "the holder is not revoked", "following", "if o.is_holder and not record.released:", "if not o.me:",
        "test_the_holder_is_not_revoked_while_it_holds_the_record",
    ),
    _cluster(
        "only voters stand",
        "following",
        "elif record.mode is Mode.QUORUM and not record.voter(o.me):",
        "elif not o.me:",
        "test_whoever_cannot_be_primary_does_not_stand_and_says_why",
        "test_a_new_disk_under_a_voter_s_name_does_not_stand",
    ),
    _cluster(
        "a store that went back promotes nobody", "following", "    if o.went_back:\n", "    if not o.me:\n",
        "test_a_record_that_says_less_than_is_known_freezes_promotion",
    ),
    _cluster(
        "first start: not where anybody has a past", "beginnings",
        "if not o.store.known or o.store.record is not None or has_past(o):",
        "if not o.store.known or o.store.record is not None:",
        "test_a_store_that_lost_its_record_does_not_look_like_a_new_one",
    ),
    _cluster(
        "record lost: only with k confirmations", "beginnings",
        "if record.k >= 1 and o.confirmations >= record.k:", "if record.k >= 0:",
        "test_a_serving_holder_with_k_confirmations_writes_the_record_again", "test_with_k_0_nobody_confirms_anything",
    ),
    _cluster(
        "record lost: every server has to be here",
        "beginnings",
        "        if name not in here:\n",
        "        if not name:\n",
        "test_whoever_was_ever_a_member_has_to_be_here",
    ),
    _cluster(
        "record lost: each with its last known id", "beginnings",
        "if name in known and here[name].id != known[name].id:", "if not name:",
        "test_a_server_with_a_new_disk_is_not_the_one_that_was_a_member",
    ),
    _cluster(
        "the door waits the lease out",
        "beginnings",
        "if not o.store.expired and not record.released:",
        "if not record:",
        "test_the_door_waits_the_lease_out",
    ),
    _cluster(
        "store away: never with k = 0", "lease", "if k < 1 or confirmations < k:", "if confirmations < k:",
        "test_with_k_0_nobody_s_word_prolongs_serving",
    ),
    _cluster(
        "store away: k of both sets", "lease", "return settled or confirmations_other_set >= k", "return True",
        "test_k_voters_have_to_confirm_and_k_of_both_sets_while_a_change_is_unsettled",
    ),
    _cluster(
        "renewing needs a database", "lease", "    return probe_age_ms <= ", "    return 0 <= ",
        "test_only_a_holder_whose_database_answers_renews",
    ),
)  # fmt: skip

REMOVALS: tuple[Removal, ...] = (*HISTORIES, *QUORUM, *VOTES, *CHANGES, *CONDUCT)
