"""What do the options of ldap mean?"""

import pytest

from howdah.routing.hba import parse_rules
from howdah.routing.hbatokens import RuleFault
from howdah.routing.ldaprule import LdapRule, ldap_rule


def read(options: str) -> LdapRule:
    (rule,) = parse_rules([f"hostssl all all all ldap {options}"]).rules
    return ldap_rule(rule.options, rule.line)


def test_a_name_is_put_between_prefix_and_suffix() -> None:
    rule = read('ldapserver="one.example two.example" ldapprefix="uid=" ldapsuffix=",ou=people,dc=example"')
    assert rule.servers == ("ldap://one.example:389", "ldap://two.example:389")
    assert rule.name("anna") == "uid=anna,ou=people,dc=example"
    assert not rule.base


def test_or_it_is_searched_for() -> None:
    rule = read('ldapserver=::1 ldapscheme=ldaps ldapbasedn="dc=example" ldapsearchattribute=cn ldapbinddn="cn=x"')
    assert rule.servers == ("ldaps://[::1]:636",)
    assert (rule.base, rule.search("anna"), rule.binds_as) == ("dc=example", "(cn=anna)", "cn=x")
    own = read(
        'ldapserver=a ldapport=1389 ldaptls=1 ldapbasedn="dc=x" ldapsearchfilter="(|(uid=$username)(mail=$username))"'
    )
    assert own.starts_tls and own.servers == ("ldap://a:1389",)
    assert own.search("anna") == "(|(uid=anna)(mail=anna))"


@pytest.mark.parametrize("name", ["*", "a)(uid=b", "a\\2a", "a/b", "a\0b"])
def test_a_name_that_means_something_in_a_filter_is_not_searched_for(name: str) -> None:
    assert read('ldapserver=a ldapbasedn="dc=x"').search(name) is None


def test_a_url_says_the_same() -> None:
    rule = read('ldapurl="ldap://dir.example:1389/dc=example??sub?(uid=$username)" ldapbinddn="cn=x"')
    assert rule.servers == ("ldap://dir.example:1389",)
    assert (rule.base, rule.scope, rule.binds_as) == ("dc=example", "sub", "cn=x")
    plain = read('ldapurl="ldaps://[::1]/dc=example?cn"')
    assert (plain.servers, plain.scope, plain.search("anna")) == (("ldaps://[::1]:636",), "base", "(cn=anna)")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("ldapserver=a", "needs ldapprefix or ldapsuffix, or ldapbasedn"),
        ("ldapprefix=uid=", "needs ldapserver or ldapurl"),
        ("ldapserver=a ldapprefix=x ldapbasedn=dc=x", "it is the one or the other"),
        ("ldapserver=a ldapbinddn=x", "needs ldapbasedn"),
        ("ldapserver=a ldapprefix=x ldapport=many", "is no port"),
        ("ldapserver=a ldapprefix=x ldapscheme=http", "ldap or ldaps"),
        ("ldapserver=a ldapprefix=x ldapscheme=ldaps ldaptls=1", "goes with ldap only"),
        ("ldapserver=a ldapbasedn=dc=x ldapsearchattribute=a ldapsearchfilter=b", "cannot be used together"),
        ("ldapurl=http://a/b", "begins with ldap"),
        ("ldapurl=ldap://a/b?c?all", "scope of ldapurl"),
        ("ldapurl=ldap://a/b ldapserver=c", "said by ldapurl already"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: str, said: str) -> None:
    with pytest.raises(RuleFault, match=said):
        read(options)


def test_its_words_do_not_show_the_password() -> None:
    assert "geheim" not in repr(read('ldapserver=a ldapbasedn="dc=x" ldapbinddn=cn ldapbindpasswd=geheim'))
