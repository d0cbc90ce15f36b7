// SQLite, compiled by others, with its own glue code: creates a table and asks it.
//
//   npm pack sql.js && tar xf sql.js-*.tgz
//   tierup js examples/js/sql.mjs package/dist
const folder = scriptArgs[0] ?? "package/dist";
load(`${folder}/sql-wasm.js`); // defines initSqlJs
const SQL = await initSqlJs({ wasmBinary: readbuffer(`${folder}/sql-wasm.wasm`) });
const database = new SQL.Database();
database.run("CREATE TABLE planet (name TEXT, moons INTEGER)");
for (const planet of [["Earth", 1], ["Mars", 2], ["Jupiter", 97]])
  database.run("INSERT INTO planet VALUES (?, ?)", planet);
const [{ columns, values }] = database.exec("SELECT name, moons FROM planet WHERE moons > 1 ORDER BY moons DESC");
console.log(columns.join(" | "));
for (const row of values) console.log(row.join(" | "));
console.log("SQLite", database.exec("SELECT sqlite_version()")[0].values[0][0]);
