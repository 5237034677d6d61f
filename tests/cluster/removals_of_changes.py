"""Which tests fail without a rule on how the record changes, and who learns of it first?"""

from tests.cluster.removal import Removal, in_cluster, in_keeper

CHANGE_REMOVALS: tuple[Removal, ...] = (
    in_cluster(
        "V after the swap: the old primary is in", "changes",
        "tuple(sorted({*record.voters, record.holder} - {change.winner}))",
        "tuple(sorted({*record.voters} - {change.winner}))",
        "test_a_win_takes_the_winner_out_of_the_voters_and_puts_the_old_primary_in_dead_or_not",
    ),
    in_cluster(
        "V after the swap: the winner is out", "changes",
        "voters = tuple(v for v in voters if v.name != change.winner.name)", "voters = tuple(voters)",
        "test_a_winner_under_the_old_primary_s_name_leaves_no_second_server_of_that_name",
    ),
    in_cluster(
        "a win needs a higher term", "changes", "if change.term <= record.term:", "if change.term < 0:",
        "test_a_win_needs_a_higher_term",
    ),
    in_cluster(
        "async: the lease counter is unchanged", "changes",
        "if change.counter is not None and record.lease_counter != change.counter:", "if change.counter == 0:",
        "test_a_win_survives_renewals_in_quorum_mode_but_not_in_async",
    ),
    in_cluster(
        "only the holder makes its changes", "changes",
        "            if record.holder != change.holder:\n",
        "            if record.holder.name != change.holder.name:\n",
        "test_what_the_holder_does_is_refused_to_everybody_else",
    ),
    in_cluster(
        "only in its own term",
        "changes",
        "            if record.term != change.term:\n",
        "            if record.term < 0:\n",
        "test_what_the_holder_does_in_a_term_that_is_over_is_refused",
    ),
    in_cluster(
        "a lease given up is not renewed", "changes",
        "            if record.released:\n                return NotAllowed(\"the lease was given up;",
        "            if record.term < 0:\n                return NotAllowed(\"the lease was given up;",
        "test_a_lease_that_was_given_up_is_neither_renewed_nor_raised_but_taken_back",
    ),
    in_cluster(
        "taking back is a new generation", "changes",
        "released=False, serving=False, handover=None, generation=record.generation + 1)",
        "released=False, serving=False, handover=None, generation=record.generation)",
        "test_taking_back_changes_the_generation_so_that_the_target_cannot_win_meanwhile",
    ),
    in_cluster(
        "rebuild: an incomplete directory is named", "beginnings",
        "if word := unknowable.get(name):", "if word := unknowable.get(name, '')[:0]:",
        "test_a_server_with_an_incomplete_directory_can_only_be_given_up_and_that_is_said",
    ),
    in_cluster(
        "switchover: at once means in this term", "leading",
        "if 0 < request.term < record.term:", "if request.term < 0:",
        "test_a_switchover_that_was_to_be_done_at_once_is_dropped_in_a_later_term",
    ),
    in_cluster(
        "A FAILED ELECTION: the term is raised in place", "leading", "if highest > record.term:", "if highest < 0:",
        "test_a_holder_that_learns_of_a_higher_promise_raises_its_own_term_in_place",
        "test_its_own_promise_counts_too_and_is_raised_before_anything_starts",
    ),
    in_cluster(
        "A FAILED ELECTION: not where a peer knows of a later holder",
        "leading",
        "if p.published.record and superseded(record, p.published.record)",
        "if not p",
        "test_a_holder_that_a_peer_knows_to_be_replaced_does_not_raise_its_term",
    ),
    in_cluster(
        "went back: a record that lacks a known promotion", "observation",
        "return not won <= {entry.term for entry in record.timelines}", "return False",
        "test_a_record_of_a_higher_term_that_lacks_a_promotion_which_is_remembered_comes_from_an_old_copy",
        tests_in="hearsay",
    ),
    in_cluster(
        "A FAILED ELECTION: of configured servers",
        "leading",
        "for p in o.peers if _configured(o, p))]\n    highest",
        "for p in o.peers)]\n    highest",
        "test_the_promise_of_a_server_that_was_removed_counts_for_nothing",
    ),
    in_cluster(
        "no voter is dropped below k", "changes", "if len(rest) < record.k:", "if len(rest) < 0:",
        "test_no_voter_is_dropped_below_k",
    ),
    in_cluster(
        "k: nodes that never vote do not count", "intents",
        "len(set(self.nodes) - set(voteless))", "len(set(self.nodes))",
        "test_nodes_that_never_vote_do_not_count_for_k_and_do_for_the_mode",
    ),
    in_cluster(
        "k: who never votes is remembered while it is away", "leading",
        "n in silent or (n in said and not said[n].may_vote)", "n in said and not said[n].may_vote",
        "test_k_stays_while_who_never_votes_is_away_and_nobody_has_heard_of_it",
    ),
    in_cluster(
        "k is no more than the voters", "changes", "if k > len(record.voters):", "if k < 0:",
        "test_k_is_never_more_than_the_voters",
    ),
    in_cluster(
        "V never contains the primary", "changes", "if voter.name == record.holder.name:", "if voter == record.holder:",
        "test_the_primary_is_never_a_voter",
    ),
    in_cluster(
        "first start: not once established", "changes",
        "if record.phase is not Phase.INITIALISING:", "if record.phase is None:",
        "test_a_first_start_is_taken_over_only_while_nobody_was_ever_served",
    ),
    in_keeper(
        "SETTLE: reading the old value settles nothing",
        "if self._pending and self._version != self._pending.version:", "if self._pending:",
        "test_reading_the_old_value_again_does_not_settle_a_swap_that_may_still_land",
    ),
    in_keeper(
        "SETTLE: an unknown swap is sent again until it is settled",
        "                    uncertain = True\n", "                    return False\n",
        "test_a_swap_of_unknown_outcome_that_happened_is_found_and_made_once",
    ),
    Removal(
        "the lease counts from before the sending", "howdah/agent/bonds.py",
        "max(self.sent_boot_ms, sent_boot_ms)", "self._clock.boot_ms()",
        "agent/test_keeper.py", ("test_the_lease_counts_from_before_the_renewal_was_sent",),
    ),
    in_keeper(
        "expiry: a lease after the store was away",
        "elif began_mono_ms - self._last_read_mono_ms >= self.lease_times.ttl_ms:", "elif began_mono_ms < 0:",
        "test_when_the_store_comes_back_the_holder_has_a_lease_to_renew_in",
    ),
    in_keeper(
        "lease times: judged by the record's",
        "return (self.record.lease if self.record is not None else None) or self.policy.lease_times",
        "return self.policy.lease_times",
        "test_observers_judge_by_the_times_in_the_record_whatever_is_configured_by_now",
    ),
    Removal(
        "lease times: the holder counts by those that it wrote", "howdah/agent/bonds.py",
        "self.times = carried or configured", "self.times = configured",
        "agent/test_keeper.py", ("test_the_holder_counts_by_the_times_that_its_last_renewal_carried",),
    ),
    in_cluster(
        "lease times: what was announced binds", "lease",
        "for bond in announced))", "for bond in announced[:0]))",
        "test_times_that_may_be_in_the_record_unseen_bind_the_holder_already",
    ),
    in_cluster(
        "a copy of the holder's disk changes nothing", "changes",
        "if not isinstance(change, TakeOverLease) and not same_seat(record.incarnation, by):",
        "if not isinstance(change, TakeOverLease) and not by and record.incarnation == by:",
        "test_a_copy_of_the_holder_s_disk_renews_nothing_and_gives_nothing_up",
        tests_in="incarnation",
    ),
    in_cluster(
        "another seat's lease: not renewed meanwhile", "changes",
        "if (record.incarnation, record.lease_counter) != (change.incarnation, change.counter):",
        "if record.incarnation is None:",
        "test_a_lease_is_taken_over_from_another_seat_only_unrenewed_and_in_a_higher_term",
        tests_in="incarnation",
    ),
    in_cluster(
        "another seat's lease: in a higher term", "changes",
        "if not record.released and change.to_term <= record.term:", "if not record.released and change.to_term < 0:",
        "test_a_lease_is_taken_over_from_another_seat_only_unrenewed_and_in_a_higher_term",
        tests_in="incarnation",
    ),
    in_cluster(
        "another seat's lease: only after its time", "leading",
        "if not o.store.expired or o.store.renewal_ago_ms < ttl_ms + 2 * policy.yield_ms:", "if not record:",
        "test_a_lease_that_is_renewed_elsewhere_is_not_taken_over",
        tests_in="incarnation",
    ),
    in_cluster(
        "another seat's lease: nobody follows it", "leading",
        "    if any(p.connected and p.published.follows == o.me.name for p in o.peers):\n        return None\n", "",
        "test_a_lease_is_not_taken_over_while_anybody_follows_the_other_one",
        tests_in="incarnation",
    ),
    in_cluster(
        "the holder is one process", "observation",
        "mine = record is not None and same_seat(record.incarnation, self.incarnation)", "mine = True",
        "test_a_running_primary_that_sees_another_agent_of_its_name_hold_the_lease_is_killed",
        tests_in="incarnation",
    ),
    in_cluster(
        "TWIN: only one of a name takes part", "fencing", "    if not o.twin:\n", "    if not o.twin or True:\n",
        "test_an_agent_whose_name_another_one_has_kills_its_server_and_ends",
        tests_in="incarnation",
    ),
    in_cluster(
        "a clone that waits does not keep a server from following", "following",
        "    if source is None or not record.serving:\n        return None\n    name",
        "    if source is None or not record.serving:\n        return Proposal(\"\", Wait())\n    name",
        "test_while_a_new_clone_waits_its_server_follows_and_stands_as_any_other", tests_in="order",
    ),
    in_cluster(
        "no clone on a full disk", "following",
        "if o.server.failed_starts and o.server.directory.full:", "if o.server.failed_starts < 0:",
        "test_a_server_that_does_not_start_on_a_full_disk_is_tried_again_and_never_cloned",
    ),
    in_cluster(
        "TWIN: no voter's name before the claim", "following", " and not o.unclaimed else o.me.name", " else o.me.name",
        "test_an_agent_that_may_have_a_living_twin_neither_stands_nor_streams_under_a_voter_s_name",
        tests_in="incarnation",
    ),
    Removal(
        "TWIN: a copy that was left behind", "howdah/agent/namesake.py",
        "and not self._seat.continues(entry.incarnation):", "and not entry.incarnation:",
        "agent/test_seat.py",
        ("test_a_directory_whose_copy_went_on_is_left_out_however_silent_the_copy_is",),
    ),
    Removal(
        "TWIN: whoever answers for another is not counted", "howdah/agent/procedures/campaign.py",
        "not differ(view.published.incarnation, incarnation)", "not differ(\"\", incarnation)",
        "agent/test_twins.py",
        ("test_a_report_of_another_agent_than_the_one_that_is_heard_is_not_counted",),
    ),
    Removal(
        "TWIN: no promise before the claim", "howdah/agent/answering.py",
        "            return Refusal(unsure, situation.local.promise)\n", "            pass\n",
        "agent/test_twins.py",
        ("test_an_agent_with_a_twin_promises_nothing_and_confirms_nothing",),
    ),
    Removal(
        "confirmations: from who follows this primary", "howdah/agent/watching.py",
        "return (answer.member, answer.term, answer.upstream) == (voter, term, tools.situation.address)",
        "return (answer.member, answer.term) == (voter, term)",
        "agent/test_watching_deadlines.py",
        ("test_a_voter_that_follows_another_primary_of_the_same_term_confirms_nothing",),
    ),
    Removal(
        "lease times: the dead-man knows them first", "howdah/agent/watching.py",
        "    keeper.bonds.announce(wanted)\n", "",
        "agent/test_watching_deadlines.py",
        ("test_the_dead_man_knows_shorter_times_before_the_record_has_them",),
    ),
)  # fmt: skip
