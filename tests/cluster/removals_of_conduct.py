"""Which tests fail without a rule on what is done: leading, following, stopping?"""

from tests.cluster.removal import Removal, in_cluster, in_keeper

CONDUCT_REMOVALS: tuple[Removal, ...] = (
    in_cluster(
        "HIGHER TERM: an unexpected primary is killed", "fencing",
        "if o.server.state is not ServerState.PRIMARY or o.store.record is None or o.is_holder:",
        "if o.server.state is not ServerState.PRIMARY or o.store.record is None or not o.is_holder:",
        "test_a_primary_that_sees_another_holder_is_killed_first",
    ),
    in_cluster(
        "RELEASED: does not run", "fencing", "and o.store.record.released:", "and not o.store.record.term:",
        "test_whoever_gave_the_lease_up_does_not_run_as_a_primary",
    ),
    in_cluster(
        "LEASE DEADLINE: killed", "fencing", "if o.now_boot_ms >= o.deadlines.kill_ms:", "if o.now_boot_ms < 0:",
        "test_a_primary_that_cannot_renew_shuts_clients_out_first_and_is_then_killed",
    ),
    in_cluster(
        "LEASE DEADLINE: clients first", "fencing",
        "if o.gate_open and o.now_boot_ms >= o.deadlines.gate_ms:", "if o.gate_open and o.now_boot_ms < 0:",
        "test_a_primary_that_cannot_renew_shuts_clients_out_first_and_is_then_killed",
    ),
    in_cluster(
        "LEASE DEADLINE: a silent primary too", "fencing",
        "(o.served_term or (facts and not facts.in_recovery))", "(o.served_term and facts)",
        "test_a_silent_primary_is_killed_at_the_deadline_whether_it_still_serves_or_not",
    ),
    in_cluster(
        "DEAD-MAN: no serving without it", "fencing", "if not o.deadman_alive and o.gate_open and", "if not o.me and",
        "test_without_a_live_dead_man_no_client_is_served",
    ),
    in_cluster(
        "DEAD-MAN: nor beginning to", "leading", "    if not o.deadman_alive:\n", "    if not o.me:\n",
        "test_without_a_live_dead_man_no_client_is_served", tests_in="fencing",
    ),
    in_cluster(
        "IDENTITY: another identity is not started", "fencing",
        "if directory.identity != o.local.member_id:", "if not o.me:",
        "test_a_directory_with_another_identity_was_put_there_from_elsewhere",
    ),
    in_cluster(
        "barrier after every restart", "leading", "if o.served_term == record.term and o.gate_open and record.serving",
        "if record.serving",
        "test_every_restart_goes_through_the_barrier_again",
    ),
    in_cluster(
        "clients only at k >= 1", "leading", "o.intents.effective_mode is Mode.QUORUM and record.k < 1:", "not o.me:",
        "test_in_quorum_mode_clients_are_let_in_only_once_k_is_at_least_1",
    ),
    in_cluster(
        "loosening before the barrier",
        "leading",
        "if isinstance(change, Admit | Replace | LowerK) or",
        "if isinstance(change, Drop) or",
        "test_the_first_voters_are_admitted_and_k_is_raised_before_the_barrier",
        "test_the_operator_s_loosening_is_done_before_the_barrier_which_may_never_pass_otherwise",
        "test_a_lost_disk_s_place_passes_before_the_barrier_which_may_never_be_flushed_otherwise",
    ),
    in_cluster(
        "a restarted holder waits for the store", "leading",
        "if record is None or record.released or not o.store.reachable:", "if record is None or record.released:",
        "test_a_restarted_holder_waits_for_the_store",
    ),
    in_cluster(
        "the holder resumes its own term", "leading",
        'return Proposal(f"this server holds term {record.term} and is in recovery", ResumeService(record.term))',
        "return None",
        "test_the_holder_resumes_its_own_term",
    ),
    in_cluster(
        "PREFIX: before it is admitted", "leading",
        "if state.prefix_term < record.term and", "if state.prefix_term < 0 and",
        "test_a_standby_whose_history_was_not_checked_for_this_term_is_not_fit",
    ),
    in_cluster(
        "PREFIX: checked again for each term", "following",
        "follows_holder(o, name) and checked and", "follows_holder(o, name) and",
        "test_a_non_voter_is_checked_again_for_each_term_so_that_it_can_be_admitted",
    ),
    in_cluster(
        "PREFIX: who diverged does not stream",
        "following",
        "        case Stream() if not lost:\n",
        "        case _ if not lost:\n",
        "test_a_former_primary_rewinds_to_where_it_left_and_keeps_that_as_its_floor",
    ),
    in_cluster(
        "a non-voter's name stands in no setting", "following",
        "if record.voter(o.me) and not o.unclaimed else o.me.name",
        "if not o.unclaimed else o.me.name",
        "test_a_server_that_is_no_voter_streams_under_its_bare_name_which_stands_in_no_setting",
    ),
    in_cluster(
        "only a promoted holder is followed", "following", " or peer.published.promoted_term != record.term:", ":",
        "test_a_holder_that_is_not_promoted_yet_is_not_followed",
    ),
    in_cluster(
        "rewind only from a checkpointed primary",
        "following",
        "if not source.published.rewind_ready:",
        "if not source:",
        "test_it_waits_until_the_new_primary_has_checkpointed",
    ),
    in_cluster(
        "the holder is not revoked", "following", "if o.is_holder and not record.released:", "if not o.me:",
        "test_the_holder_is_not_revoked_while_it_holds_the_record",
    ),
    in_cluster(
        "only voters stand",
        "following",
        "and not record.voter(o.me) and not _holder_may_vote_for_all(o, record):",
        "and not o.me:",
        "test_whoever_cannot_be_primary_does_not_stand_and_says_why",
        "test_a_new_disk_under_a_voter_s_name_does_not_stand",
    ),
    in_cluster(
        "a store that went back promotes nobody", "following", "    if o.went_back:\n", "    if not o.me:\n",
        "test_a_record_that_says_less_than_is_known_freezes_promotion",
    ),
    in_cluster(
        "first start: not where anybody has a past", "beginnings",
        "if not o.store.known or o.store.record is not None or has_past(o):",
        "if not o.store.known or o.store.record is not None:",
        "test_a_store_that_lost_its_record_does_not_look_like_a_new_one",
    ),
    in_cluster(
        "record lost: only with k confirmations", "beginnings",
        "if record.k >= 1 and o.confirmations >= record.k:", "if record.k >= 0:",
        "test_a_serving_holder_with_k_confirmations_writes_the_record_again", "test_with_k_0_nobody_confirms_anything",
    ),
    in_cluster(
        "record lost: every server has to be here",
        "beginnings",
        "        if name not in here:\n",
        "        if not name:\n",
        "test_whoever_was_ever_a_member_has_to_be_here",
    ),
    in_cluster(
        "record lost: each with its last known id", "beginnings",
        "if name in known and here[name].id != known[name].id:", "if not name:",
        "test_a_server_with_a_new_disk_is_not_the_one_that_was_a_member",
    ),
    in_cluster(
        "the door waits the lease out",
        "beginnings",
        "if not o.store.expired and not record.released:",
        "if not record:",
        "test_the_door_waits_the_lease_out",
    ),
    in_cluster(
        "the door forces out nobody who was not given up", "beginnings",
        "if record.holder.name not in o.door:", "if not record:",
        "test_a_holder_that_was_not_given_up_is_followed_and_not_forced_out",
    ),
    in_cluster(
        "record lost: above the terms of all WAL", "beginnings",
        "(*records, *written, *mapped)", "records",
        "test_a_term_that_only_wal_or_a_map_remembers_is_not_won_again",
    ),
    in_cluster(
        "a record of a lower term is older, however long it is renewed", "record",
        "return (self.generation, self.term, self.lease_counter)",
        "return (self.generation, self.lease_counter, self.term)",
        "test_a_lower_term_is_older_however_long_it_is_renewed",
    ),
    in_keeper(
        "went back: what is remembered stays", "is not Phase.ESTABLISHED or went_back(settled, local):",
        "is not Phase.ESTABLISHED:",
        "test_an_old_copy_that_is_renewed_for_long_does_not_take_the_place_of_what_is_remembered",
        tests_in="keeper_went_back",
    ),
    in_keeper(
        "went back: what is said for the second time is remembered", "known is None or known.age < since or (",
        "known is None or (",
        "test_what_a_record_says_for_the_second_time_it_says_since_then",
        tests_in="keeper_went_back",
    ),
    in_keeper(
        "went back by renewals only: gone on from",
        "        elif lasting(record) == lasting(self.settled):\n", "        elif not record:\n",
        "test_a_copy_that_differs_by_renewals_only_is_gone_on_from",
        tests_in="keeper_went_back",
    ),
    in_cluster(
        "store away: never with k = 0", "lease", "k >= 1 and confirmations >= max(", "confirmations >= max(",
        "test_with_k_0_nobody_s_word_prolongs_serving",
    ),
    in_cluster(
        "store away: k of both sets", "lease", "max(k, waited_for)", "k",
        "test_as_many_have_to_confirm_as_the_record_and_as_the_setting_wait_for",
    ),
    in_cluster(
        "renewing needs a database", "lease", "    return probe_age_ms <= ", "    return 0 <= ",
        "test_only_a_holder_whose_database_answers_renews",
    ),
    in_cluster(
        "hearsay: a store that answers is the later word", "hearsay",
        "if heard is None or o.store.reachable or", "if heard is None or",
        "test_a_store_that_answers_is_always_the_later_word",
    ),
    in_cluster(
        "hearsay: no proof of ownership", "hearsay", " or heard.holder == o.me:", ":",
        "test_what_peers_say_proves_no_ownership",
    ),
    in_cluster(
        "hearsay: no expiry of a lease", "hearsay", "record=heard, expired=False,", "record=heard,",
        "test_what_peers_say_never_makes_an_election",
    ),
    in_cluster(
        "hearsay: only what is newer", "hearsay", "return heard.age > record.age and ", "return ",
        "test_a_record_that_is_older_or_not_of_this_cluster_is_not_heard",
    ),
    in_cluster(
        "hearsay: nothing of a store that went back", "hearsay", " or went_back(heard, local):", ":",
        "test_a_record_of_a_store_that_went_back_is_not_heard_by_who_remembers_more",
    ),
    in_cluster(
        "hearsay: no rewind and no clone", "hearsay",
        "if proposal is not None and isinstance(proposal.action, Clone | Rewind):", "if proposal is None and o.asked:",
        "test_a_rewind_or_a_clone_waits_for_the_store_itself",
    ),
    in_keeper(
        "hearsay: forgotten when the store answers", "self._told = None  # a store", "pass  # a store",
        "test_a_store_that_answers_again_ends_what_was_heard",
    ),
    in_cluster(
        "who cannot promote or serve gives the lease up", "givingup",
        "if o.lead_failures >= FAILURES_MAX * times:", "if o.lead_failures < 0:",
        "test_a_winner_that_cannot_promote_gives_the_lease_up",
        "test_a_primary_that_cannot_serve_gives_the_lease_up",
    ),
    in_cluster(
        "who has no dead-man gives the lease up", "givingup",
        "if o.deadman_gone_ms >= DEADMAN_PATIENCE_MS * times:", "if o.deadman_gone_ms < 0:",
        "test_a_primary_whose_dead_man_does_not_start_gives_the_lease_up",
    ),
    in_cluster(
        "the lease does not go round quickly", "givingup", "1 << min(o.gave_up, DOUBLINGS_MAX)", "1",
        "test_each_time_in_vain_doubles_the_patience_so_that_two_servers_do_not_hand_the_lease_to_and_fro",
    ),
    in_cluster(
        "the lease goes only where somebody could lead", "givingup",
        "    if not another_could_lead(o, record, holder_votes=True):\n        return None\n", "",
        "test_it_keeps_the_lease_when_nobody_else_could_lead_or_it_serves",
    ),
    in_cluster(
        "first start: what never served is put aside", "fencing",
        "    if record is not None and overtaken(o, record):\n", "    if record is None:\n",
        "test_what_is_left_of_a_first_start_that_was_taken_over_is_put_aside_and_cloned_anew",
    ),
    in_cluster(
        "first start: only what never served is put aside", "fencing",
        "return o.never_served and known is not None and",
        "return known is not None and",
        "test_what_served_once_or_is_of_a_later_term_is_never_taken_for_left_over",
    ),
    in_cluster(
        "first start: what never served begins anew", "beginnings", "            return o.never_served\n",
        "            return False\n",
        "test_a_directory_that_never_served_does_not_keep_its_node_from_beginning_anew",
    ),
    in_cluster(
        "first start: what served does not begin anew", "beginnings", "            return o.never_served\n",
        "            return True\n",
        "test_a_directory_that_never_served_does_not_keep_its_node_from_beginning_anew",
    ),
    in_cluster(
        "SERVICES: only who holds the record says who stands behind them", "services",
        "record = o.held\n", "record = o.store.record\n",
        "test_who_does_not_hold_the_record_says_nothing",
    ),
    in_cluster(
        "SERVICES: the primary only while its gate is open", "services", " and o.gate_open and ", " and ",
        "test_before_it_serves_and_once_its_gate_is_closed_nobody_stands_there",
    ),
    in_cluster(
        "SERVICES: a lower term never replaces a higher one", "services",
        "return author.term >= written.term", "return True",
        "test_a_lower_term_never_replaces_a_higher_one",
    ),
)  # fmt: skip
