# 100,000 certificates from an uploaded file: received, classified, registered, beside LOAD DATA of the very same applications.

bench_import() {
	local result ours floor rounds=${BENCH_IMPORT_ROUNDS:-3} i parts
	: >"$top/import.ours"
	: >"$top/import.floor"
	for ((i = 0; i < rounds; i++)); do
		INKAN_DEMO_POOL=1G stack_up 50000
		result=$(STACK_URL=$stack_url STACK_CA=$stack_ca STACK_DB=$stack_db STACK_DIR=$stack_dir \
			BASIC=$(awk '$1 == "basic:" {print $3}' "$top/out") PASSWORD=$(awk '$1 == "account:" && $2 == "admin" {print $3}' "$top/out") \
			PYTHONPATH=$source_dir/tests/support PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$source_dir/tests/bench/import.py" 100000) ||
			die "the import failed."
		read -r ours floor parts <<<"$result"
		echo "$ours" >>"$top/import.ours"
		echo "$floor" >>"$top/import.floor"
		note "import: $parts; load average $(load)"
		stack_down
	done
	row "import of 100,000 rows, s" "$(median <"$top/import.ours")" "$(median <"$top/import.floor")" \
		"$(paste "$top/import.ours" "$top/import.floor" | awk '{print $1 / $2}' | median)" "under 10 s" "$(median <"$top/import.ours") < 10"
}
