/* The demo's mail server: takes every mail and stores it. */
#ifndef INKAN_DEMO_MAILBOX_SINK_H
#define INKAN_DEMO_MAILBOX_SINK_H

#include "plugin.h"

/* Listens on 127.0.0.1:port, in a thread of its own with a connection of its own like db. When another process of the same site (its
 * base_url, which the greeting names) has the port, that one receives for all: OK, and nothing is started. INVALID: it is a stranger's. */
enum status sink_start(int port, const char *site, const struct db *db) MUST_CHECK;
void sink_stop(void);

#endif
