import { base, inspect, launch, visitor } from "./browser.mjs";
const b = await launch();
const pages = ["/help", ...["windows","macos","ios","android","linux","firefox","thunderbird","outlook","accessibility"].map(x=>"/help/"+x)];
for (const lang of ["ja","en"]) for (const size of ["desktop","phone"]) {
  const v = await visitor(b, lang, size);
  for (const p of pages) { await v.page.goto(base+p); await inspect(v, "g"+p.replaceAll("/","-")); }
  console.log(lang,size,v.faults,v.complaints);
}
await b.close();
