/* Functions that this code base does not use, each with what to use instead. Included by the build in front of every C file. */
#ifndef INKAN_BASE_BANNED_H
#define INKAN_BASE_BANNED_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

/* Not #pragma poison: that also refuses the names inside the headers of OpenSSL, libuv and GLib, where they are members and macros.
 * Declared before the headers of libc, which may define them inline. */
#define BANNED(instead) __attribute__((deprecated("banned here, use " instead)))
#pragma GCC diagnostic error "-Wdeprecated-declarations"
#pragma GCC diagnostic error "-Walloca"

struct tm;
char *strcpy(char *to, const char *from) BANNED("arena_printf or struct text");
char *strcat(char *to, const char *from) BANNED("arena_printf or struct text");
char *strncpy(char *to, const char *from, size_t n) BANNED("arena_stringn");
char *strncat(char *to, const char *from, size_t n) BANNED("arena_printf or struct text");
int sprintf(char *to, const char *fmt, ...) BANNED("arena_printf or snprintf");
int vsprintf(char *to, const char *fmt, va_list args) BANNED("arena_vprintf or vsnprintf");
char *strtok(char *s, const char *separators) BANNED("text_split");
int atoi(const char *s) BANNED("text_int");
long atol(const char *s) BANNED("text_int");
long long atoll(const char *s) BANNED("text_int");
struct tm *localtime(const time_t *t) BANNED("clock_show or localtime_r");
struct tm *gmtime(const time_t *t) BANNED("clock_rfc3339 or gmtime_r");
char *ctime(const time_t *t) BANNED("clock_show");
char *asctime(const struct tm *t) BANNED("clock_show");
int rand(void) BANNED("crypto_random");
void srand(unsigned int seed) BANNED("crypto_random");
long random(void) BANNED("crypto_random");

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#endif
