/* Our metadata: what an IdP must know of this service provider. */
#ifndef INKAN_SAML_SAML_METADATA_H
#define INKAN_SAML_SAML_METADATA_H

#include "saml/saml.h"

/* The EntityDescriptor; certificate is DER. Lives as long as the arena. */
struct bytes metadata_build(struct arena *a, const struct saml_settings *settings, const char *base_url,
	const char *entity_id, struct bytes certificate);

#endif
