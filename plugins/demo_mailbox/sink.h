/* The demo's mail server: takes every mail and stores it. */
#ifndef INKAN_DEMO_MAILBOX_SINK_H
#define INKAN_DEMO_MAILBOX_SINK_H

#include "plugin.h"

/* Listens on 127.0.0.1:port, in a thread of its own with a connection of its own like db. When another process has the port, that one is
 * of the same site and receives for all: OK, and nothing is started. */
enum status sink_start(int port, const struct db *db) MUST_CHECK;
void sink_stop(void);

#endif
