"""Which tests fail without a rule on what proves something: histories, the quorum, votes?"""

from tests.cluster.removal import Removal, in_cluster

HISTORIES = (
    in_cluster(
        "TERM OF THE WAL: from the timeline of the last record", "history",
        "return Position(chain[-1].term, chain[-1].end)",
        "return Position(max(x.term for x in chain) + 1, chain[-1].end)",
        "test_the_term_of_the_wal_is_that_of_the_last_timeline_s_promotion",
    ),
    in_cluster(
        "TERM OF THE WAL: without an entry there is none", "history",
        "    if any(number not in terms for number, _ in steps):\n"
        "        return None\n    return tuple(Link(number, terms[number], end)",
        "    return tuple(Link(number, terms.get(number, 0), end)",
        "test_a_timeline_without_an_entry_has_no_term_so_there_is_no_chain",
    ),
    in_cluster(
        "TERM OF THE WAL: parents of one number are told apart", "history",
        " and child.parent_term in (0, e.term)", "",
        "test_a_chain_from_the_record_follows_the_promotion_that_it_came_from",
    ),
    in_cluster(
        "PREFIX: the end is at or before the switch", "history",
        "if common == len(mine) and ours.end <= other.end:", "if common == len(mine):",
        "test_a_server_past_the_switch_has_diverged_there_however_small_its_log_is",
        "test_a_longer_log_of_the_older_term_is_no_prefix",
    ),
    in_cluster(
        "PREFIX: chains are compared by term too", "history",
        "if (ours.timeline, ours.term) != (other.timeline, other.term):", "if ours.timeline != other.timeline:",
        "test_one_timeline_number_promoted_in_two_terms_is_foreign",
    ),
    in_cluster(
        "return: one number promoted twice is never rewound", "history",
        "if terms.get(link.timeline, link.term) != link.term:", "if not link:",
        "test_an_equal_timeline_number_with_another_map_entry_means_clone_never_stream_or_rewind",
        tests_in="returning",
    ),
    in_cluster(
        "return: a forced term keeps the directory aside", "returning",
        "            if forced:\n", "            if forced and not fork:\n",
        "test_no_server_is_rewound_or_cloned_over_across_a_forced_term",
    ),
    in_cluster(
        "LAST COPY: a rewind waits for the barrier", "returning",
        "    if other_voter_lives:\n", "    if other_voter_lives and end is None:\n",
        "test_while_another_voter_can_flush_the_barrier_nobody_rewinds",
    ),
    in_cluster(
        "LAST COPY: another copy holds as much", "returning",
        "if any(member != me and position >= end for member, position in others):", "if others or not others:",
        "test_the_last_copy_is_never_given_up",
    ),
    in_cluster(
        "LAST COPY: a server that is not heard is no copy", "lastcopy",
        "heard = tuple(p.published for p in o.peers if p.connected)", "heard = tuple(p.published for p in o.peers)",
        "test_a_copy_on_a_server_that_was_heard_long_ago_is_no_copy", tests_in="following",
    ),
    in_cluster(
        "LAST COPY: nobody beside one who is rewound", "lastcopy",
        "        if state.state is NodeState.REWINDING:\n",
        "        if state.state is NodeState.REWINDING and not patient:\n",
        "test_nobody_is_rewound_beside_one_who_is",
    ),
    in_cluster(
        "LAST COPY: one after the other, who has least first", "lastcopy",
        "(theirs, state.member.name) < (fork, me)", "theirs == me",
        "test_of_two_that_left_the_winner_s_history_the_one_with_less_of_it_is_rewound_first",
        "test_of_two_with_as_much_the_name_decides",
    ),
    in_cluster(
        "LAST COPY: who can follow is waited for", "lastcopy",
        "        case Prefix():\n            return True", "        case Prefix():\n            return False",
        "test_a_server_whose_history_fits_is_to_have_the_rest_first_also_if_it_is_no_voter_yet",
    ),
    in_cluster(
        "LAST COPY: not for ever", "lastcopy", "        if patient and state.tags", "        if state.tags",
        "test_nobody_waits_for_ever_for_a_server_that_does_not_get_on",
    ),
    in_cluster(
        "LAST COPY: a broken directory waits", "following",
        "not (o.store.record and o.store.record.serving):", "not o.store.record:",
        "test_a_broken_directory_waits_until_the_primary_serves_and_is_kept_aside",
    ),
    in_cluster(
        "FLOOR: no vote below", "following",
        "    if below_floor(o.server.position, o.local.floor):\n        return f", "    if not o.me:\n        return f",
        "test_whoever_cannot_be_primary_does_not_stand_and_says_why",
    ),
    in_cluster(
        "FLOOR: only grows", "returning", "return max(current, new)", "return min(current, new)",
        "test_the_floor_only_grows_and_is_compared_as_term_and_position",
    ),
    in_cluster(
        "FLOOR: compared as (term, LSN)", "returning",
        "(end is None or end < floor)", "(end is None or end.lsn < floor.lsn)",
        "test_below_the_floor_there_is_no_vote",
    ),
    in_cluster(
        "FLOOR: a voter below streams from the best", "following",
        '    Rule("REACH FLOOR", reach_floor),\n', "",
        "test_a_voter_below_its_floor_streams_from_the_best_of_the_revoked_up_to_its_floor", tests_in="belowfloor",
    ),
    in_cluster(
        "FLOOR: only from the revoked", "belowfloor",
        " or state.follows or state.promise < o.local.promise:", ":", "test_nobody_else_helps_a_voter_below_its_floor",
    ),
    in_cluster(
        "FLOOR: only from who has all of it", "belowfloor",
        "return not below_floor(state.position, o.local.floor)", "return True",
        "test_nobody_else_helps_a_voter_below_its_floor",
    ),
    in_cluster(
        "FLOOR: revoked before it streams from the best", "belowfloor",
        "return facts.upstream is None or isinstance(o.busy, CatchUp)", "return True",
        "test_it_promises_and_is_revoked_first",
    ),
)  # fmt: skip

QUORUM = (
    in_cluster(
        "NEVER EMPTY: nobody is named", "quorum",
        "    if not voters:\n        return NAMES_NOBODY", "    if not voters:\n        return SyncSetting(0, ())",
        "test_in_quorum_mode_the_setting_is_never_empty",
    ),
    in_cluster(
        "NEVER EMPTY: at least one is waited for", "quorum", "SyncSetting(max(k, 1), tuple(", "SyncSetting(k, tuple(",
        "test_in_quorum_mode_at_least_one_is_waited_for_even_before_k_was_raised",
    ),
    in_cluster(
        "names carry the term", "quorum", 'return f"{node}.t{term}"', 'return f"{node}.t{term - term}"',
        "test_the_setting_names_the_voters_with_the_term_in_their_names",
        "test_names_of_an_older_term_are_strangers_to_the_record",
    ),
    in_cluster(
        "ONE CONNECTION: names are counted, not rows", "quorum",
        "proven = {w.application_name for w in walsenders if w.application_name in names and w.flush_lsn >= lsn}",
        "proven = [w.application_name for w in walsenders if w.application_name in names and w.flush_lsn >= lsn]",
        "test_one_server_connected_twice_is_one_connection",
    ),
    in_cluster(
        "a flush is proved by flush_lsn", "quorum", " and w.flush_lsn >= lsn}", "}",
        "test_a_flush_counts_only_at_or_past_the_position",
    ),
    in_cluster(
        "a flush is proved by named voters", "quorum",
        "if w.application_name in names and w.flush_lsn", "if w.flush_lsn",
        "test_a_stranger_or_a_name_of_another_term_flushes_nothing",
    ),
    in_cluster(
        "the count: |V| - k + 1", "quorum", "return voters - k + 1", "return voters - k",
        "test_one_of_two_voters_is_not_enough_with_k_1", tests_in="election",
    ),
    in_cluster(
        "LIVE: a new connection shows it", "live", "if shown != str(wanted):", "if not shown:",
        "test_a_new_connection_has_to_show_it",
    ),
    in_cluster(
        "LIVE: the dropped voter's walsender", "live", " and walsender.sync_priority != 0:", " and not walsender:",
        "test_the_dropped_voter_s_walsender_must_not_count_as_synchronous_any_more",
    ),
    in_cluster(
        "LIVE: walsenders older than the reload", "live",
        "if raised and walsender.pid in older_pids:", "if raised and not walsender:",
        "test_for_a_raised_k_every_walsender_older_than_the_reload_has_ended",
    ),
    in_cluster(
        "LIVE: the checkpoint", "live", "if was_empty and not checkpointed:", "if was_empty and not shown:",
        "test_from_an_empty_setting_a_later_checkpoint_has_to_complete",
    ),
    in_cluster(
        "tighten: k of the rest can flush the barrier", "voters", "if len(rest) < record.k:", "if rest is None:",
        "test_no_voter_is_dropped_while_too_few_others_stream_to_flush_the_barrier",
    ),
    in_cluster(
        "tighten: PostgreSQL's setting lacks the dropped voter", "voters",
        "tuple(n for n in names if n != voter.name)", "tuple(names)",
        "test_postgresql_s_tightened_setting_lacks_the_dropped_voter",
    ),
    in_cluster(
        "k never follows the live servers down", "voters",
        "if record.k > target or", "if record.k > min(target, sum(s.fit for s in standings)) or",
        "test_k_is_lowered_only_by_the_operator_and_never_follows_the_number_of_live_servers",
    ),
    in_cluster(
        "IDENTITY: a new disk takes the old one's place, never one beside it", "voters",
        "        if old is None:\n", "        if old is None or old != standing.member:\n",
        "test_a_new_disk_that_streams_takes_the_old_one_s_place",
    ),
    in_cluster(
        "replace: PostgreSQL's setting lacks the old disk", "quorum",
        "for v in record.voters if v.name != voter]", "for v in record.voters]",
        "test_while_a_place_passes_postgresql_counts_the_others_only_and_nobody_where_they_are_fewer_than_k",
        tests_in="voters",
    ),
    in_cluster(
        "replace: never fewer than k, filled up with nobody", "quorum",
        "names if len(names) >= record.k else [*names, NOBODY]", "names",
        "test_while_a_place_passes_postgresql_counts_the_others_only_and_nobody_where_they_are_fewer_than_k",
        tests_in="voters",
    ),
    in_cluster(
        "replace: only once k can flush again", "voters",
        "if record.k >= 1 and _enough_with_new_disks(record, standings):", "if record.k >= 1:",
        "test_places_pass_only_when_with_them_k_can_flush_again",
    ),
    in_cluster(
        "replace: in a term whose names no old disk has", "changes",
        "return replace(record, voters=voters, term=record.term + 1, spent=())",
        "return replace(record, voters=voters)",
        "test_a_new_disk_takes_the_old_one_s_place_in_a_higher_term_with_as_many_voters_and_the_same_k",
        "test_a_name_that_a_dropped_disk_had_in_this_term_is_given_to_another_disk_only_in_a_higher_term",
    ),
    in_cluster(
        "names: a dropped disk's name is spent for the term", "changes",
        "voters=rest, spent=tuple(sorted({*record.spent, voter})))", "voters=rest)",
        "test_a_name_that_a_dropped_disk_had_in_this_term_is_given_to_another_disk_only_in_a_higher_term",
    ),
    Removal(
        "replace: the very directory says that it has the barrier", "howdah/agent/procedures/voters.py",
        "said.member == member and said.position", "said.position", "agent/test_procedure_voters.py",
        ("test_a_bare_name_s_flush_is_nothing_unless_the_new_directory_says_that_it_has_it",),
    ),
    Removal(
        "replace: the barrier is flushed by the new disk", "howdah/agent/procedures/voters.py",
        "said.position is not None and said.position >= upto", "said.position is not None",
        "agent/test_procedure_voters.py", ("test_a_new_disk_that_lacks_the_barrier_does_not_take_the_place",),
    ),
    Removal(
        "replace: PostgreSQL first", "howdah/agent/procedures/voters.py",
        "    await _enforce(tools, record, change)\n    lsn = await tools.primary.write_barrier("
        "record.term, record.holder.name)\n    await _wait_held",
        "    lsn = await tools.primary.write_barrier(record.term, record.holder.name)\n    await _wait_held",
        "agent/test_procedure_voters.py",
        ("test_a_new_disk_s_place_is_taken_from_the_old_one_in_postgresql_then_proved_then_in_the_store",),
    ),
)  # fmt: skip

VOTES = (
    in_cluster(
        "revocation 1: the setting is blank", "revocation",
        "return Missing.SETTING if view.shown_conninfo or view.shown_restore_command else None", "return None",
        "test_proof_1_a_new_connection_shows_neither_primary_nor_archive",
    ),
    in_cluster(
        "revocation 1: the archive too", "revocation",
        "if view.shown_conninfo or view.shown_restore_command else", "if view.shown_conninfo else",
        "test_proof_1_a_new_connection_shows_neither_primary_nor_archive",
    ),
    in_cluster(
        "STARTUP PROOF", "revocation", 'return None if view.pause_state == "paused" else', "return None if view else",
        "test_proof_2_only_the_startup_process_itself_reaches_paused",
    ),
    in_cluster(
        "revocation 3: no receiver",
        "revocation",
        "view.receivers == 0 and view.startup_waits ==",
        "view.startup_waits ==",
        "test_proof_3_a_receiver_that_is_still_connecting_counts_as_one",
    ),
    in_cluster(
        "revocation 3: the startup process sleeps", "revocation",
        "view.receivers == 0 and view.startup_waits == WAITS_FOR_SOURCE", "view.receivers == 0",
        "test_proof_3_a_receiver_that_is_still_connecting_counts_as_one",
    ),
    in_cluster(
        "revocation 4: replay", "revocation",
        "return None if view.startup_waits == WAITS_FOR_SOURCE else Missing.REPLAY", "return None",
        "test_proof_4_what_was_received_is_replayed_unless_only_a_torn_record_is_left",
    ),
    in_cluster(
        "NEVER WITHDRAWN: no lower promise", "revocation", "if asked < local.promise:", "if asked < 0:",
        "test_a_higher_promise_is_never_withdrawn",
    ),
    in_cluster(
        "NEVER WITHDRAWN: follows no lower term", "revocation", "return term >= local.promise", "return term > 0",
        "test_a_server_follows_only_a_primary_of_its_promise_or_above",
    ),
    in_cluster(
        "NEVER WITHDRAWN: the rule asks", "following",
        "if not may_follow(o.local, record.term) or peer", "if peer",
        "test_a_server_follows_no_primary_below_its_promise",
    ),
    in_cluster(
        "NEVER WITHDRAWN: reports again", "revocation",
        "return asked == local.promise and follows_term < asked", "return asked == follows_term",
        "test_a_voter_that_does_not_follow_the_term_yet_reports_again",
    ),
    in_cluster(
        "a half-made directory never votes", "revocation", "if local.marker is not Marker.NONE:", "if not local:",
        "test_a_half_made_directory_never_votes",
    ),
    in_cluster(
        "(term, LSN) instead of LSN", "election",
        "best = max(votes, key=lambda r: (r.position,", "best = max(votes, key=lambda r: (r.position.lsn,",
        "test_a_longer_log_of_an_older_term_loses",
    ),
    in_cluster(
        "only voters vote", "election", "if record.voter(member)]", "if member]",
        "test_a_report_of_a_server_that_is_no_voter_is_no_vote", "test_a_new_disk_under_a_voter_s_name_is_no_voter",
    ),
    in_cluster(
        "IDENTITY: a voter is a data directory", "record",
        "return member in self.voters", "return member.name in {v.name for v in self.voters}",
        "test_a_new_disk_under_a_voter_s_name_is_no_voter",
    ),
    in_cluster(
        "IDENTITY: the holder is a data directory", "observation",
        "record.holder == self.me", "record.holder.name == self.me.name",
        "test_the_holder_is_a_data_directory_not_a_name",
    ),
    in_cluster(
        "SAME RECORD: counting", "election",
        "counted = {r.member: r for r in reports if r.term == term and r.basis == record.basis}",
        "counted = {r.member: r for r in reports if r.term == term}",
        "test_reports_for_any_other_record_are_not_counted",
    ),
    in_cluster(
        "SAME RECORD: the term asked for", "election",
        "counted = {r.member: r for r in reports if r.term == term and", "counted = {r.member: r for r in reports if",
        "test_reports_for_another_term_are_not_counted",
    ),
    in_cluster(
        "SAME RECORD: the swap", "changes", "if record.basis != change.basis:", "if record.k != change.basis.k:",
        "test_a_win_counted_for_another_record_is_refused",
        "test_taking_back_changes_the_generation_so_that_the_target_cannot_win_meanwhile",
        "test_a_win_that_was_counted_before_the_term_was_raised_in_place_fails",
    ),
    in_cluster(
        "SAME RECORD: what was proved", "changes",
        "change.proved not in (None, record.basis):", "change.proved is record:",
        "test_what_was_proved_for_one_set_of_voters_proves_nothing_for_another",
    ),
    in_cluster(
        "SAME RECORD: a report is made anew", "following",
        "o.report.term == o.asked and o.report.basis == record.basis:", "o.report.term == o.asked:",
        "test_a_report_for_another_record_is_made_anew",
    ),
    in_cluster(
        "HOLDER VOTES FOR ALL", "election", "    if holder is not None:\n", "    if holder is not None and not mine:\n",
        "test_the_holder_stopped_for_good_votes_for_all",
        "test_whoever_has_all_that_the_stopped_holder_had_may_win_voter_or_not",
    ),
    in_cluster(
        "HOLDER VOTES FOR ALL: only stopped for good", "election",
        "report is None or not report.holder_stopped or", "report is None or",
        "test_a_holder_that_was_not_started_in_recovery_does_not_vote_for_all",
    ),
    in_cluster(
        "HOLDER VOTES FOR ALL: at or above its position", "election",
        "if mine.position >= holder:", "if mine.position:",
        "test_the_holder_stopped_for_good_votes_for_all",
        "test_a_hand_over_is_won_by_whoever_has_the_shutdown_checkpoint",
    ),
    in_cluster(
        "HOLDER VOTES FOR ALL: only with what it won with", "election",
        "report.position < record.winner_position:", "not report:",
        "test_a_holder_whose_disk_lost_what_it_won_with_does_not_vote_for_all",
    ),
    in_cluster(
        "HOLDER VOTES FOR ALL: only one that gave up and is here", "following",
        "    if not record.released or holder is None or not holder.connected:\n        return False\n", "",
        "test_a_server_that_is_no_voter_stands_when_the_holder_that_gave_up_can_vote_for_all",
    ),
    in_cluster(
        "HOLDER VOTES FOR ALL: voters first", "following",
        "return not any(record.voter(state.member) and state.may_vote_now for state in here)", "return bool(here)",
        "test_a_server_that_is_no_voter_stands_when_the_holder_that_gave_up_can_vote_for_all",
    ),
    in_cluster(
        "HOLDER VOTES FOR ALL: a hand-over only while released", "election",
        "if record.released and record.handover is not None:", "if record.handover is not None:",
        "test_a_hand_over_that_was_taken_back_counts_for_nothing",
    ),
    in_cluster(
        "async: the lag limit across terms", "election",
        "            return fork.lsn\n", "            return position.lsn\n",
        "test_in_async_mode_the_lag_of_an_older_term_is_counted_from_where_the_histories_part",
    ),
    in_cluster(
        "async: no suspicion", "suspicion", "if record.mode is Mode.ASYNC or record.k == 0:", "if record.mode is None:",
        "test_async_mode_never_uses_suspicion",
    ),
    in_cluster(
        "suspicion: enough voters to revoke",
        "suspicion",
        "if me in suspecting_voters and len(",
        "if me in names or len(",
        "test_enough_voters_to_revoke_have_to_suspect_and_the_candidate_itself",
    ),
)  # fmt: skip

PROOF_REMOVALS: tuple[Removal, ...] = (*HISTORIES, *QUORUM, *VOTES)
