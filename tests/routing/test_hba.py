"""Which rule decides about a caller, and which lines are none?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.routing.hba import DEFAULT_RULES, Caller, Method, parse_rules, peer_address
from howdah.routing.hbatokens import RuleFault
from howdah.routing.identmap import parse_maps


def caller(
    user: str = "anna",
    database: str = "shop",
    address: str = "10.1.2.3",
    tls: bool = False,
    replication: bool = False,
    member_of: str = "",
) -> Caller:
    return Caller(user, database, peer_address(address), tls, replication, frozenset(member_of.split()))


def decided(lines: str, asks: Caller) -> str:
    rule = parse_rules(lines.strip().splitlines()).first(asks)
    return rule.method if rule else "nobody"


@pytest.mark.parametrize(
    ("line", "asks", "fits"),
    [
        ("local all all trust", caller(address=""), True),
        ("local all all trust", caller(), False),
        ("host all all all trust", caller(), True),
        ("host all all all trust", caller(address=""), False),
        ("host all all all trust", caller(tls=True), True),
        ("hostssl all all all trust", caller(), False),
        ("hostssl all all all trust", caller(tls=True), True),
        ("hostnossl all all all trust", caller(tls=True), False),
        ("hostnossl all all all trust", caller(), True),
        ("hostgssenc all all all trust", caller(), False),
        ("hostnogssenc all all all trust", caller(), True),
        ("host shop all all trust", caller(), True),
        ("host Shop all all trust", caller(), False),
        ("host shop,other all all trust", caller(database="other"), True),
        ("host shop, other all all trust", caller(database="other"), True),
        ('host "all" all all trust', caller(), False),
        ('host "all" all all trust', caller(database="all"), True),
        ('host "my shop" all all trust', caller(database="my shop"), True),
        ("host sameuser all all trust", caller(), False),
        ("host sameuser all all trust", caller(database="anna"), True),
        ("host samerole all all trust", caller(member_of="shop"), True),
        ("host samerole all all trust", caller(), False),
        ("host all +staff all trust", caller(member_of="staff readers"), True),
        ("host all +staff all trust", caller(user="staff"), True),
        ("host all +staff all trust", caller(), False),
        ('host all "+staff" all trust', caller(user="+staff"), True),
        ("host all anna,bert all trust", caller(), True),
        ("host all /^an all trust", caller(), True),
        ("host all /^an$ all trust", caller(), False),
        ("host /^shop|^bank all all trust", caller(database="bank"), True),
        ("host all all 10.0.0.0/8 trust", caller(), True),
        ("host all all 10.0.0.0/8 trust", caller(address="11.0.0.1"), False),
        ("host all all 10.1.2.0 255.255.255.0 trust", caller(), True),
        ("host all all 10.1.2.0 255.255.255.0 trust", caller(address="10.1.3.3"), False),
        ("host all all 10.0.0.0/8 trust", caller(address="::ffff:10.9.9.9"), True),
        ("host all all fe80::/10 trust", caller(address="fe80::1%eth0"), True),
        ("host all all fe80:: ffc0:: trust", caller(address="fe80::1"), True),
        ("host all all 0.0.0.0/0 trust", caller(address="::1"), False),
        ("host replication all all trust", caller(replication=True), True),
        ("host all all all trust", caller(replication=True), False),
        ("host replication all all trust", caller(database="replication"), False),
        ("host all all all trust # for a while", caller(), True),
    ],
)
def test_a_rule_fits_whom_it_names(line: str, asks: Caller, fits: bool) -> None:
    assert (decided(line, asks) == "trust") == fits


def test_the_first_rule_that_fits_decides_and_without_one_nobody_gets_in() -> None:
    rules = """
        # the boss first
        host all boss 10.0.0.0/8 trust
        host all all 10.0.0.0/8 reject

        hostssl all all all scram-sha-256
    """
    assert decided(rules, caller(user="boss")) == "trust"
    assert decided(rules, caller()) == "reject"
    assert decided(rules, caller(address="192.168.0.1", tls=True)) == "scram-sha-256"
    assert decided(rules, caller(address="192.168.0.1")) == "nobody"


def test_by_default_everybody_needs_a_password() -> None:
    rules = parse_rules(DEFAULT_RULES)
    for asks in (caller(), caller(address=""), caller(address="::1", tls=True), caller(replication=True)):
        rule = rules.first(asks)
        assert rule is not None and rule.method is Method.SCRAM


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense all all all trust", "must be one of local, host"),
        ("host all all trust", "too short"),
        ("host all all 10.0.0.1 trust", r"needs its mask: 10\.0\.0\.1/32"),
        ("host all all db.example trust", "names are not looked up"),
        ("host all all samenet trust", "write the addresses"),
        ("host all all 10.0.0.0/99 trust", "no network"),
        ("host all all all password", "no method password"),
        ("host all all all pam", "no method pam"),
        ("host all all all tust", "there is no method 'tust'"),
        ("host all all all peer", "peer is for local"),
        ("host all all all cert", "begin the rule with hostssl"),
        ("host all all all ldap ldapserver=x", "begin the rule with hostssl"),
        ("hostssl all all all scram-sha-256 clientcert=maybe", "verify-ca or verify-full"),
        ("hostssl all all all cert clientcert=verify-ca", "always compares"),
        ("hostssl all all all scram-sha-256 clientname=DN", "needs cert"),
        ("hostssl all all all cert clientname=X", "CN or DN"),
        ("host all all all trust map=x", "trust has no option 'map'"),
        ("host all all all trust word", "name=value"),
        ("host all @file all trust", "files of names"),
        ("host all /( all trust", "the expression"),
        ('host "all all all trust', "a quote is not closed"),
        ("host all all all trust,md5", "cannot be a list"),
        ("host ,x all all trust", "comma"),
        ("include other.conf", "must be one of"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_never_skipped(line: str, says: str) -> None:
    with pytest.raises(RuleFault, match=f"access rule 2: .*{says}"):
        parse_rules(["local all all reject", line])


@given(st.text(max_size=80))
def test_any_text_is_a_rule_or_a_fault(text: str) -> None:
    try:
        parse_rules([text, "host all all all " + text])
    except RuleFault as fault:
        assert "access rule" in str(fault)


@pytest.mark.parametrize(
    ("map_name", "account", "role", "allowed"),
    [
        ("", "anna", "anna", True),
        ("", "anna", "bert", False),
        ("", "", "", False),
        ("staff", "anna", "anna", False),
        ("staff", "root", "postgres", True),
        ("staff", "root", "anna", False),
        ("staff", "anna@example.org", "anna", True),
        ("staff", "anna@example.org", "bert", False),
        ("staff", "anna@other.org", "anna", False),
        ("staff", "chief", "anything", True),
        ("staff", "clerk", "member", True),
        ("staff", "clerk", "stranger", False),
        ("staff", "robot", "job_7", True),
        ("unknown", "anna", "anna", False),
    ],
)
def test_an_account_may_be_the_roles_that_its_map_says(map_name: str, account: str, role: str, allowed: bool) -> None:
    maps = parse_maps(
        [
            "staff root postgres",
            r"staff /^(.*)@example\.org$ \1",
            "staff chief all",
            "staff clerk +office",
            "staff robot /^job_",
        ]
    )
    member_of = frozenset(("office",)) if role == "member" else frozenset[str]()
    assert maps.allow(map_name, account, role, member_of) == allowed


@pytest.mark.parametrize("line", ["two words", "a b c d", r"m name \1", r"m /x \1", "m /( x", "m a,b c"])
def test_a_map_s_line_that_cannot_be_used_is_named(line: str) -> None:
    with pytest.raises(RuleFault, match="identity map 1"):
        parse_maps([line])
