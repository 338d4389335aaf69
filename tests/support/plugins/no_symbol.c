/* A shared object that is no plugin. */
#include "plugin.h"
