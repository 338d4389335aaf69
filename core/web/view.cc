/* Renders views with ctemplate: loads and translates them, keeps the models, and is the only C++ of the program. */
#include <ctemplate/template.h>
#include <ctemplate/template_cache.h>
#include <ctemplate/template_dictionary_interface.h>
#include <ctemplate/template_emitter.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
#include "base/arena.h"
#include "base/i18n.h"
#include "base/status.h"
#include "base/text.h"
}
#include "web/view.h"

using ctemplate::TemplateString;
namespace fs = std::filesystem;

namespace
{

/* The largest view of ours has 20 KB; a page of 50 rows about 60. */
constexpr size_t VIEW_BYTES_MAX = 512 * 1024;
constexpr size_t PAGE_BYTES_MAX = 16 * 1024 * 1024;

struct view {
	std::string keys[LANG_COUNT]; /* its name in ctemplate's cache */
	bool html;
};

/* Written by view_start alone, before threads. The cache is frozen then: rendering changes nothing in it. */
std::map<std::string, view, std::less<>> *views;
ctemplate::TemplateCache *cache;

const view *view_find(const char *name)
{
	if (!views)
		return nullptr;
	auto found = views->find(std::string_view(name));
	return found == views->end() ? nullptr : &found->second;
}

/* What the models must know of the rendering that this thread is in. */
struct rendering {
	enum lang lang;
	bool html;
	const char *wrong; /* name of an included view that cannot be */
};
thread_local rendering current;

/* FNV-1a. Never 0: that is "not computed yet". */
uint64_t name_hash(const char *s, size_t len)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ static_cast<unsigned char>(s[i])) * 1099511628211u;
	return hash | 1;
}

struct key {
	uint64_t hash;
	const char *text;
	size_t len;

	explicit key(const TemplateString &s)
	    : hash(name_hash(s.data(), s.size())), text(s.data()), len(s.size())
	{
	}
	/* The hash of a name in the source is computed once; two threads that do so at once find the same. */
	explicit key(struct view_name *name) : text(name->text), len(name->len)
	{
		void *known = __atomic_load_n(&name->interned, __ATOMIC_RELAXED);

		hash = reinterpret_cast<uintptr_t>(known);
		if (!known) {
			hash = name_hash(text, len);
			__atomic_store_n(&name->interned,
				reinterpret_cast<void *>(static_cast<uintptr_t>(hash)), __ATOMIC_RELAXED);
		}
	}
	bool operator==(const key &other) const
	{
		return hash == other.hash && len == other.len && memcmp(text, other.text, len) == 0;
	}
};

template <typename T> T *arena_make(struct arena *a)
{
	return new (arena_alloc(a, sizeof(T))) T;
}

struct child {
	child *next = nullptr;
	struct model *m = nullptr;
	const char *view_name = nullptr; /* of an include */
};

/* What a name stands for in one model. */
struct entry {
	entry *next = nullptr;
	key name;
	TemplateString value{"", 0};
	child *first = nullptr, **last = &first;

	explicit entry(const key &k) : name(k)
	{
	}
};

entry *entry_find(entry *list, const key &k)
{
	while (list && !(list->name == k))
		list = list->next;
	return list;
}

entry *entry_get(struct arena *a, entry **list, const key &k)
{
	entry *found = entry_find(*list, k);

	if (!found) {
		found = new (arena_alloc(a, sizeof(entry))) entry(k);
		found->next = *list;
		*list = found;
	}
	return found;
}

} // namespace

/* Our own dictionary instead of ctemplate's: it lives in the arena, takes no lock, and included views see what is around them. It
 * has nothing to destroy. */
struct model : public ctemplate::TemplateDictionaryInterface {
	struct arena *arena = nullptr;
	const struct model *parent = nullptr;
	bool included = false; /* root of an included view: its includes are its own */
	entry *values = nullptr, *sections = nullptr, *includes = nullptr;

	class children : public Iterator
	{
	      public:
		children(const child *first, const model *around_it) : at(first), around(around_it)
		{
		}
		bool HasNext() const override
		{
			return at != nullptr;
		}
		const ctemplate::TemplateDictionaryInterface &Next() override
		{
			const model *m = at->m;

			at = at->next;
			/* A section that was only switched on, perhaps further out, shows what is around it here. */
			return m->empty() && !m->included ? *around : *m;
		}

	      private:
		const child *at;
		const model *around;
	};

	bool empty() const
	{
		return !values && !sections && !includes;
	}

	const entry *section(const TemplateString &name) const
	{
		const key k(name);
		const entry *found = nullptr;

		for (const model *m = this; m && !found; m = m->parent)
			found = entry_find(m->sections, k);
		return found;
	}
	/* Not beyond the view that names it, or a page that includes BODY would include itself without end. */
	const entry *include(const TemplateString &name) const
	{
		const key k(name);

		for (const model *m = this; m; m = m->included ? nullptr : m->parent)
			if (const entry *found = entry_find(m->includes, k))
				return found;
		return nullptr;
	}

	TemplateString GetValue(const TemplateString &variable) const override
	{
		const key k(variable);

		for (const model *m = this; m; m = m->parent)
			if (const entry *found = entry_find(m->values, k))
				return found->value;
		return TemplateString("", 0);
	}
	bool IsHiddenSection(const TemplateString &name) const override
	{
		return !section(name);
	}
	bool IsUnhiddenSection(const TemplateString &name) const override
	{
		return section(name);
	}
	bool IsHiddenTemplate(const TemplateString &name) const override
	{
		return !include(name);
	}
	const char *GetIncludeTemplateName(const TemplateString &variable, int n) const override
	{
		const entry *found = include(variable);
		const child *c = found ? found->first : nullptr;

		while (c && n-- > 0)
			c = c->next;
		const view *v = c ? view_find(c->view_name) : nullptr;
		/* A text inside a page would not be escaped. */
		if (!v || (current.html && !v->html)) {
			current.wrong = c ? c->view_name : "";
			return "";
		}
		return v->keys[current.lang].c_str();
	}
	Iterator *CreateTemplateIterator(const TemplateString &name) const override
	{
		const entry *found = include(name);

		return new children(found ? found->first : nullptr, this);
	}
	Iterator *CreateSectionIterator(const TemplateString &name) const override
	{
		const entry *found = section(name);

		return new children(found ? found->first : nullptr, this);
	}
	void DumpToString(std::string *, int) const override
	{
	}
};

namespace
{

void entry_add(entry *e, struct arena *a, struct model *m, const char *view_name)
{
	child *c = arena_make<child>(a);

	c->m = m;
	c->view_name = arena_string(a, view_name);
	*e->last = c;
	e->last = &c->next;
}

class page_emitter : public ctemplate::ExpandEmitter
{
      public:
	explicit page_emitter(struct arena *a) : page(text_new(a, PAGE_BYTES_MAX))
	{
	}
	void Emit(char c) override
	{
		text_add_bytes(&page, &c, 1);
	}
	void Emit(const std::string &s) override
	{
		text_add_bytes(&page, s.data(), s.size());
	}
	void Emit(const char *s) override
	{
		text_add(&page, s);
	}
	void Emit(const char *s, size_t len) override
	{
		text_add_bytes(&page, s, len);
	}
	struct text page;
};

/* --- Loading --------------------------------------------------------------------------------------------------------------------- */

/* Runs of blanks and line ends count as one blank, so that a text may be broken over lines; as in tests/support/extract.sh. */
std::string msgid_of(std::string_view span)
{
	std::string id;

	for (char c : span) {
		bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';

		if (!blank)
			id += c;
		else if (!id.empty() && id.back() != ' ')
			id += ' ';
	}
	if (!id.empty() && id.back() == ' ')
		id.pop_back();
	return id;
}

/* Escapes what is outside of {{markers}}; those are ctemplate's and must stay. */
std::string html_escape(const std::string &s)
{
	std::string out;

	for (size_t i = 0; i < s.size();) {
		size_t end = s.compare(i, 2, "{{") == 0 ? s.find("}}", i) : std::string::npos;

		if (end != std::string::npos) {
			out.append(s, i, end + 2 - i);
			i = end + 2;
			continue;
		}
		switch (s[i]) {
		case '&':
			out += "&amp;";
			break;
		case '<':
			out += "&lt;";
			break;
		case '>':
			out += "&gt;";
			break;
		case '"':
			out += "&quot;";
			break;
		case '\'':
			out += "&#39;";
			break;
		default:
			out += s[i];
		}
		i++;
	}
	return out;
}

/* Puts the translations in, in the language of this thread. Says what is wrong, or nothing. */
std::string translate(const char *domain, const std::string &source, bool html, std::string *ret)
{
	size_t at = 0;

	for (;;) {
		size_t open = source.find("[[", at);

		ret->append(source, at, open == std::string::npos ? open : open - at);
		if (open == std::string::npos)
			return "";
		size_t close = source.find("]]", open);
		if (close == std::string::npos)
			return "[[ without ]]";
		std::string id = msgid_of(std::string_view(source).substr(open + 2, close - open - 2));
		if (id.empty() || id.find("[[") != std::string::npos)
			return "[[ and ]] do not match, or have nothing between them";
		std::string text = i18n_text(domain, id.c_str());
		ret->append(html ? html_escape(text) : text);
		at = close + 2;
	}
}

/* What would switch the escaping off, or hide such a thing from this check. */
std::string marker_fault(const std::string &text)
{
	for (size_t at = text.find("{{"); at != std::string::npos; at = text.find("{{", at + 2)) {
		size_t end = text.find("}}", at);
		std::string_view marker =
			std::string_view(text).substr(at + 2, end == std::string::npos ? end : end - at - 2);

		if (marker.empty() || marker[0] == '!')
			continue;
		if (marker[0] == '=' || marker[0] == '%')
			return "{{" + std::string(marker) + "}} is not allowed in a view";
		if (marker.find(":none") != std::string_view::npos ||
			marker.find(":raw") != std::string_view::npos)
			return "{{" + std::string(marker) + "}} switches escaping off";
	}
	return "";
}

/* In a text every line end counts, so a line with nothing but section markers or a comment must not leave one. */
std::string lines_settle(const std::string &text)
{
	std::istringstream in(text);
	std::string out, line;

	while (std::getline(in, line)) {
		std::string rest = line;
		bool markers = false;

		for (size_t open; (open = rest.find("{{")) != std::string::npos;) {
			size_t end = rest.find("}}", open);

			if (end == std::string::npos || open + 2 >= rest.size() ||
				!strchr("#/!^", rest[open + 2]))
				break;
			rest.erase(open, end + 2 - open);
			markers = true;
		}
		bool blank = rest.find_first_not_of(" \t\r") == std::string::npos;
		if (markers && blank) {
			size_t first = line.find_first_not_of(" \t");
			out += line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
		} else {
			out += line + (in.eof() ? "" : "\n");
		}
	}
	return out;
}

/* ctemplate says what it does not like on std::cerr only. */
class listener
{
      public:
	listener() : before(std::cerr.rdbuf(heard.rdbuf()))
	{
	}
	~listener()
	{
		std::cerr.rdbuf(before);
	}
	std::string text() const
	{
		return msgid_of(heard.str());
	}

      private:
	std::ostringstream heard;
	std::streambuf *before;
};

bool file_read(const fs::path &path, std::string *ret)
{
	std::ifstream in(path, std::ios::binary);
	std::ostringstream all;

	if (!in || !(all << in.rdbuf()))
		return false;
	*ret = all.str();
	return true;
}

enum status view_load_lang(ctemplate::TemplateCache *into, const char *domain, const std::string &name,
	enum lang lang, const std::string &source, view *v)
{
	std::string text, fault = translate(domain, source, v->html, &text);

	if (fault.empty() && v->html)
		fault = marker_fault(text);
	if (!fault.empty())
		return cause(STATUS_INVALID, "view %s, %s (language %s)", name.c_str(), fault.c_str(),
			lang_code(lang));
	if (v->html)
		text.insert(0, "{{%AUTOESCAPE context=\"HTML\"}}");
	else
		text = lines_settle(text);
	v->keys[lang] = name + "@" + lang_code(lang);
	listener heard;
	if (!into->StringToTemplateCache(
		    v->keys[lang], text, v->html ? ctemplate::STRIP_BLANK_LINES : ctemplate::DO_NOT_STRIP))
		return cause(STATUS_INVALID, "view %s is refused: %s (language %s)", name.c_str(),
			heard.text().c_str(), lang_code(lang));
	return STATUS_OK;
}

enum status view_load(ctemplate::TemplateCache *into, const char *domain, const fs::path &path,
	std::map<std::string, view, std::less<>> *known)
{
	std::string name = std::string(domain) + "/" + path.filename().string(), source;
	view v;
	enum status s = STATUS_OK;
	enum lang before = i18n_lang();

	v.html = path.extension() == ".html";
	if (!file_read(path, &source))
		return cause(STATUS_INVALID, "view %s cannot be read", name.c_str());
	if (source.empty() || source.size() > VIEW_BYTES_MAX ||
		!text_utf8_valid(source.data(), source.size()))
		return cause(STATUS_INVALID, "view %s is empty, longer than %zu bytes, or not UTF-8",
			name.c_str(), VIEW_BYTES_MAX);
	for (int lang = 0; lang < LANG_COUNT && s == STATUS_OK; lang++) {
		i18n_use(static_cast<enum lang>(lang));
		s = view_load_lang(into, domain, name, static_cast<enum lang>(lang), source, &v);
	}
	i18n_use(before);
	if (s == STATUS_OK)
		known->emplace(name, v);
	return s;
}

/* The views of a domain, in order of their names; none when it has no folder. */
std::vector<fs::path> view_files(const fs::path &folder)
{
	std::vector<fs::path> files;
	std::error_code error;

	for (const auto &file : fs::directory_iterator(folder, error)) {
		std::string extension = file.path().extension().string();

		if (file.path().filename().string()[0] != '.' &&
			(extension == ".html" || extension == ".txt"))
			files.push_back(file.path());
	}
	std::sort(files.begin(), files.end());
	return files;
}

/* noexcept: there is nothing to be done about an exception but to end, and none may reach C. */
enum status views_load(const char *dir, const char *const *domains) noexcept
{
	auto *into = new ctemplate::TemplateCache;
	auto *known = new std::map<std::string, view, std::less<>>;
	std::error_code error;
	enum status s = STATUS_OK;

	if (!fs::is_directory(dir, error))
		s = cause(STATUS_INVALID, "views, %s is not a folder", dir);
	for (; s == STATUS_OK && *domains; domains++)
		for (const fs::path &file : view_files(fs::path(dir) / *domains))
			if ((s = view_load(into, *domains, file, known)) != STATUS_OK)
				break;
	if (s == STATUS_OK) {
		into->Freeze();
		std::swap(cache, into);
		std::swap(views, known);
	}
	delete into;
	delete known;
	return s;
}

bool expand(const view *v, const struct model *m, page_emitter *to) noexcept
{
	return cache->ExpandNoLoad(v->keys[current.lang],
		v->html ? ctemplate::STRIP_BLANK_LINES : ctemplate::DO_NOT_STRIP, m, nullptr, to);
}

} // namespace

enum status view_start(const char *dir, const char *const *domains)
{
	return views_load(dir, domains);
}

struct model *model_new(struct arena *a)
{
	struct model *m = new (arena_alloc(a, sizeof(struct model))) struct model;

	m->arena = a;
	return m;
}

void model_put(struct model *m, struct view_name *name, const char *value)
{
	size_t len = value ? strlen(value) : 0;

	entry_get(m->arena, &m->values, key(name))->value =
		TemplateString(arena_stringn(m->arena, value ? value : "", len), len);
}

void model_putf(struct model *m, struct view_name *name, const char *fmt, ...)
{
	va_list args;
	const char *value;

	va_start(args, fmt);
	value = arena_vprintf(m->arena, fmt, args);
	va_end(args);
	entry_get(m->arena, &m->values, key(name))->value = TemplateString(value, strlen(value));
}

void model_put_int(struct model *m, struct view_name *name, long long value)
{
	model_putf(m, name, "%lld", value);
}

struct model *model_open(struct model *m, struct view_name *name)
{
	struct model *opened = model_new(m->arena);

	opened->parent = m;
	entry_add(entry_get(m->arena, &m->sections, key(name)), m->arena, opened, nullptr);
	return opened;
}

struct model *model_attach(struct model *m, struct view_name *name, const char *view)
{
	struct model *attached = model_new(m->arena);

	model_adopt(m, name, view, attached);
	return attached;
}

void model_adopt(struct model *m, struct view_name *name, const char *view, struct model *body)
{
	body->parent = m;
	body->included = true;
	entry_add(entry_get(m->arena, &m->includes, key(name)), m->arena, body, view);
}

void model_inherit(struct model *m, struct model *around)
{
	m->parent = around;
	m->included = true;
}

enum status view_render(
	struct arena *a, const char *view_name, enum lang lang, struct model *m, struct bytes *ret)
{
	const view *v = view_find(view_name);
	page_emitter to(a);

	if (!v)
		return cause(STATUS_INTERNAL, "there is no view %s", view_name);
	current = {lang, v->html, nullptr};
	if (!expand(v, m, &to) || current.wrong)
		return cause(STATUS_INTERNAL,
			"view %s includes a view that is missing or of the wrong kind: %s", view_name,
			current.wrong ? current.wrong : "?");
	if (to.page.full)
		return cause(STATUS_INTERNAL, "view %s gave more than %zu bytes", view_name, PAGE_BYTES_MAX);
	*ret = bytes_of(to.page.data, to.page.len);
	return STATUS_OK;
}
