/* GNU C attributes: the only place that names the compiler's extensions. */
#ifndef INKAN_BASE_GNU_H
#define INKAN_BASE_GNU_H

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define EXPORT __attribute__((visibility("default")))
#define RETURNS_NONNULL __attribute__((returns_nonnull))

/* 1 when built with the address sanitizer, 0 otherwise. */
#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifndef ADDRESS_SANITIZER
#define ADDRESS_SANITIZER 0
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
