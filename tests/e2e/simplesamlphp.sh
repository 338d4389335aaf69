#!/bin/bash
# Log-ins with an IdP that is not ours, SimpleSAMLphp: plain, encrypted, replayed, redirected, and with attributes as real IdPs get them wrong.
set -u
. "$INKAN_SOURCE/tests/support/stack.sh"
. "$INKAN_SOURCE/tests/support/simplesamlphp.sh"
stack_more_end() {
	set +u
	ssp_stop || :
}

ssp_start "$STACK_TOP/ssp" "$(port_claim)" || exit 1
stack_conf inkan <<END
idp "$SSP_ENTITY" {
	metadata = "$SSP_METADATA"
}
END
stack_start
curl -sf --cacert "$STACK_CA" -o "$STACK_TOP/sp.xml" "$STACK_URL/saml/metadata" || exit 1
xmllint --noout "$STACK_TOP/sp.xml" || exit 1

failed=0
run() { # WHAT PHP: all walks with SimpleSAMLphp set to PHP
	ssp_trust "$STACK_TOP/sp.xml" "$2" || exit 1
	SSP_CA=$SSP_CA SSP_ENTITY=$SSP_ENTITY portal "$INKAN_SOURCE/tests/e2e/simplesamlphp.py" "$1" || failed=1
}
run plain ""
run encrypted "'assertion.encryption' => true"
run assertion-only "'saml20.sign.response' => false, 'saml20.sign.assertion' => true"
run response-only "'saml20.sign.response' => true, 'saml20.sign.assertion' => false"
run unsigned "'saml20.sign.response' => false, 'saml20.sign.assertion' => false"
run sha1 "'signature.algorithm' => 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'"
exit $failed
