// Opens pages in Chromium, narrow and wide, light and dark; prints what axe-core finds, as JSON.
//
//   node axe.mjs TOOLS CHROMIUM [SHOTS] < pages.json
//
// TOOLS is a folder where playwright-core and axe-core are installed; SHOTS a folder for pictures.
// pages.json: [{"name": "home", "url": "http://...", "cookies": {"name": "value"}}]

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [tools, executablePath, shots] = process.argv.slice(2);
const require = createRequire(join(tools, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const pages = JSON.parse(readFileSync(0, "utf8"));

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
  ],
});
const found = [];
for (const width of [360, 1280]) {
  for (const colorScheme of ["light", "dark"]) {
    for (const { name, url, cookies = {} } of pages) {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
      await context.addCookies(
        Object.entries(cookies).map(([key, value]) => ({ name: key, value, url })));
      const page = await context.newPage();
      const asked = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(url);
      const where = `${name} at ${width} px, ${colorScheme}`;
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => window.axe.run(document));
      if (passes.length === 0) found.push({ where, id: "nothing-was-checked", nodes: [] });
      for (const { id, help, nodes } of violations) {
        found.push({ where, id, help, nodes: nodes.map((node) => node.html) });
      }
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth);
      if (overflow > 0) found.push({ where, id: "wider-than-the-window", nodes: [overflow] });
      const foreign = asked.filter((each) => new URL(each).origin !== new URL(url).origin);
      if (foreign.length > 0) found.push({ where, id: "foreign-assets", nodes: foreign });
      if (shots) {
        await page.screenshot({
          path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
      await context.close();
    }
  }
}
await browser.close();
process.stdout.write(JSON.stringify(found));
