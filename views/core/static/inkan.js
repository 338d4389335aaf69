/* What pages do more pleasantly with JavaScript; everything works without it. */
(function () {
	"use strict";

	/* What was ticked, and entered with it, is asked about too. */
	function tell(form, dialog) {
		var facts = dialog.querySelector(".ask-facts");
		if (!facts)
			return;
		facts.querySelectorAll("[data-told]").forEach(function (old) { old.remove(); });
		function add(name, value) {
			var row = facts.insertBefore(document.createElement("div"), facts.lastElementChild);
			row.setAttribute("data-told", "");
			row.appendChild(document.createElement("dt")).textContent = name;
			row.appendChild(document.createElement("dd")).textContent = value;
		}
		form.querySelectorAll("input[name=variant]:checked").forEach(function (box) {
			var field = form.querySelector("[name='extra-" + box.value + "']");
			add(box.closest("details").querySelector("summary").lastChild.textContent.trim(), box.labels[0].textContent);
			if (field && field.value)
				add(field.labels[0].textContent, field.value);
		});
	}

	/* What goes with a box is needed when that is ticked: the browser then says so before anything is asked or sent. */
	function need(form) {
		form.querySelectorAll("[data-missing]").forEach(function (field) {
			var box = form.querySelector("input[name=variant][value='" + field.name.replace("extra-", "") + "']");
			field.required = !box || box.checked;
			field.setCustomValidity(field.required && !field.value.trim() ? field.dataset.missing : "");
		});
	}
	document.addEventListener("input", function (event) {
		if (event.target.form)
			need(event.target.form);
	});
	document.addEventListener("invalid", function (event) {
		var folded = event.target.closest("details:not([open])");
		if (folded) /* what cannot be seen cannot be complained about */
			folded.open = true;
	}, true);
	window.addEventListener("pageshow", function () { document.querySelectorAll("form").forEach(need); });

	/* A form that asks first: its fields move into the dialog's own form, which is what is sent. */
	function carry(form, dialog) {
		var target = dialog.querySelector("form");
		target.querySelectorAll("[data-carried]").forEach(function (old) { old.remove(); });
		new FormData(form).forEach(function (value, name) {
			var field = document.createElement("input");
			field.type = "hidden";
			field.name = name;
			field.value = value;
			field.setAttribute("data-carried", "");
			target.appendChild(field);
		});
		var choice = dialog.querySelector("[data-ask-choice]"), select = form.querySelector("select[name=profile]");
		if (choice && select) {
			choice.hidden = false;
			choice.querySelector("dd").textContent = select.options[select.selectedIndex].textContent;
		}
	}

	/* Listens at the document: parts of a page are replaced when there is news of it. */
	document.addEventListener("submit", function (event) {
		var form = event.target, dialog = form.dataset.ask && document.getElementById(form.dataset.ask);
		if (dialog && dialog.showModal) {
			event.preventDefault();
			carry(form, dialog);
			tell(form, dialog);
			dialog.showModal();
		}
		/* The answer is a file, and this page stays: it says what comes next. */
		if (form.dataset.download !== undefined) {
			form.querySelector("[data-started]").hidden = false;
			document.querySelectorAll(".stages li").forEach(function (stage, i, all) {
				if (i === all.length - 1)
					stage.setAttribute("aria-current", "step");
				else
					stage.removeAttribute("aria-current");
			});
		}
		/* Sent once. The server knows a repeated form too; this only spares the user the doubt. */
		if (form.dataset.once !== undefined) {
			if (form.dataset.sent)
				event.preventDefault();
			form.dataset.sent = "1";
			form.querySelectorAll("button[type=submit]").forEach(function (b) { b.setAttribute("aria-disabled", "true"); });
		}
	});
	document.addEventListener("click", function (event) {
		var dialog = event.target.closest("dialog"), box = dialog && dialog.getBoundingClientRect();
		if (!dialog)
			return;
		var beside = event.target === dialog &&
			(event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom);
		if (beside || event.target.closest("[data-close]"))
			dialog.close();
	});
	window.addEventListener("pageshow", function (event) {
		if (!event.persisted)
			return;
		document.querySelectorAll("form[data-sent]").forEach(function (form) {
			delete form.dataset.sent;
			form.querySelectorAll("button[type=submit]").forEach(function (b) { b.removeAttribute("aria-disabled"); });
		});
	});

	/* Copying. The buttons are hidden where there is nothing that could copy. */
	function offer(root) {
		if (!navigator.clipboard)
			return;
		root.querySelectorAll("[data-copy]").forEach(function (button) { button.hidden = false; });
	}
	document.addEventListener("click", function (event) {
		var button = event.target.closest("[data-copy]");
		if (!button)
			return;
		navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim()).then(function () {
			var label = button.textContent;
			button.textContent = button.dataset.copied;
			setTimeout(function () { button.textContent = label; }, 2000);
		});
	});
	offer(document);

	/* The account menu closes like a menu. */
	var menu = document.querySelector("details.site-menu");
	if (menu) {
		document.addEventListener("click", function (event) {
			if (!menu.contains(event.target))
				menu.open = false;
		});
		menu.addEventListener("keydown", function (event) {
			if (event.key === "Escape") {
				menu.open = false;
				menu.querySelector("summary").focus();
			}
		});
	}

	/* News of an application: asked for every second at first, as after whatever the user or the issuing service has done; then ever
	   more rarely, at least every 10 s. */
	var page = document.getElementById("certificate"), FIRST = 1000, OFTEN = 30, MOST = 10000, GROWTH = 1.3;
	if (!page || !page.dataset.news)
		return;
	var pause = FIRST, asked = 0, etag = page.dataset.etag;

	function show(html) {
		var fresh = new DOMParser().parseFromString(html, "text/html"), focused = document.activeElement, lost = null;
		fresh.querySelectorAll("[data-live]").forEach(function (part) {
			var old = document.getElementById(part.id);
			if (!old || old.querySelector("dialog[open]")) /* nobody's question is taken away from under the answer */
				return;
			lost = old.contains(focused) ? part : lost;
			old.replaceWith(document.adoptNode(part));
		});
		offer(page);
		if (lost) {
			/* What had the focus may be gone, or have nothing to do any more: then it stays in that part of the page. */
			var heir = focused.id && document.getElementById(focused.id);
			if (!heir || heir.disabled || heir.hidden) {
				heir = lost;
				heir.tabIndex = -1;
			}
			heir.focus({ preventScroll: true });
		}
		var announce = document.getElementById("announce"), label = page.querySelector("[data-announce]");
		if (announce && label)
			announce.textContent = announce.dataset.text + " " + label.textContent;
		return fresh.querySelector("#certificate[data-waits]") !== null;
	}

	function again() {
		pause = FIRST;
		asked = 0;
	}

	function ask() {
		if (document.hidden) {
			document.addEventListener("visibilitychange", function () { again(); ask(); }, { once: true });
			return;
		}
		fetch(page.dataset.news, { headers: { "If-None-Match": etag }, redirect: "manual", cache: "no-store" }).then(function (answer) {
			if (answer.status === 304 || answer.status >= 500)
				return true;
			if (answer.status !== 200)
				return false; /* the session is over, or the application is gone: the page stays as it is */
			etag = answer.headers.get("ETag");
			again();
			return answer.text().then(show);
		}, function () { return true; }).then(function (more) {
			if (++asked > OFTEN)
				pause = Math.min(pause * GROWTH, MOST);
			if (more)
				setTimeout(ask, pause);
		});
	}
	setTimeout(ask, pause);
})();
