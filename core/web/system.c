/* Which system a browser says it runs on. */
#include "web/request.h"

const char *browser_system(const char *hint, const char *agent)
{
	/* Sec-CH-UA-Platform (a string of RFC 8941) is exact where it is sent; of the rest the first one that is found counts: Android
	 * calls itself Linux too. An iPad that asks for desktop pages cannot be told from a Mac. */
	static const struct {
		const char *sign, *system;
	} hints[] = {{"\"Windows\"", "windows"}, {"\"macOS\"", "macos"}, {"\"iOS\"", "ios"},
		{"\"Android\"", "android"}, {"\"Linux\"", "linux"}},
	  agents[] = {{"Windows NT", "windows"}, {"iPhone", "ios"}, {"iPad", "ios"}, {"iPod", "ios"},
		  {"Macintosh", "macos"}, {"Android", "android"}, {"CrOS", NULL}, {"Linux", "linux"}};

	for (size_t i = 0; i < COUNT_OF(hints); i++)
		if (text_same(hint, hints[i].sign))
			return hints[i].system;
	for (size_t i = 0; agent && i < COUNT_OF(agents); i++)
		if (strstr(agent, agents[i].sign))
			return agents[i].system;
	return NULL;
}

const char *request_system(const struct request *rq)
{
	return browser_system(request_header(rq, "HTTP_SEC_CH_UA_PLATFORM"), request_header(rq, "HTTP_USER_AGENT"));
}
