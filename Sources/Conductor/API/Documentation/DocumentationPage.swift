// SPDX-License-Identifier: Apache-2.0

import Yams

/// The API's description as a page to read: plain HTML without a script, so that it needs nothing but the conductor and
/// a browser may be told to run nothing.
struct DocumentationPage {
    private let document: Node

    /// - Parameter yaml: the description.
    /// - Throws: for what is no YAML.
    init(_ yaml: String) throws {
        document = try Yams.compose(yaml: yaml) ?? Node("")
    }

    /// The whole page.
    var html: HTML {
        let groups = groups
        let title = document["info"]?["title"]?.string ?? ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title) API</title>
            <link rel="stylesheet" href="/docs/style.css">
            </head>
            <body>
            <nav>
            \(groups.map(navigation))
            <h2><a href="#schemas">Schemas</a></h2>
            </nav>
            <main>
            <h1>\(title) API</h1>
            \(HTML(prose: document["info"]?["description"]?.string ?? ""))
            <p>For programs: <a href="/openapi.json">openapi.json</a></p>
            \(groups.map(section))
            <section id="schemas">
            <h2>Schemas</h2>
            \(schemas)
            </section>
            </main>
            </body>
            </html>
            """
    }

    // MARK: - Operations

    private struct Operation {
        let method: String
        let path: String
        let node: Node

        var id: String { node["operationId"]?.string ?? "\(method) \(path)" }
    }

    private struct Group {
        let name: String
        let description: String
        let operations: [Operation]
    }

    /// The operations by their tags, both in the order in which they are described.
    private var groups: [Group] {
        let operations = (document["paths"]?.mapping ?? [:])
            .flatMap { path, item in
                (item.mapping ?? [:])
                    .map { method, node in
                        Operation(method: method.string?.uppercased() ?? "", path: path.string ?? "", node: node)
                    }
            }
        return (document["tags"]?.sequence ?? [])
            .map { tag in
                let name = tag["name"]?.string ?? ""
                return Group(
                    name: name,
                    description: tag["description"]?.string ?? "",
                    operations: operations.filter { $0.node["tags"]?.sequence?.first?.string == name }
                )
            }
    }

    private func navigation(_ group: Group) -> HTML {
        let items = group.operations.map { operation -> HTML in
            """
            <li><a href="#\(operation.id)"><b class="\(operation.method)">\(operation.method)</b> \
            \(short(operation.path))</a></li>
            """
        }
        return """
            <details><summary>\(group.name)</summary><ul>
            \(items)
            </ul></details>
            """
    }

    private func short(_ path: String) -> String {
        ["/v1/core", "/v1/admin"].first { path.hasPrefix($0) }.map { String(path.dropFirst($0.count)) } ?? path
    }

    private func section(_ group: Group) -> HTML {
        """
        <section>
        <h2>\(group.name)</h2>
        \(HTML(prose: group.description))
        \(group.operations.map(article))
        </section>
        """
    }

    private func article(_ operation: Operation) -> HTML {
        """
        <article id="\(operation.id)">
        <h3><b class="\(operation.method)">\(operation.method)</b> <code>\(operation.path)</code></h3>
        <p class="summary">\(HTML(line: operation.node["summary"]?.string ?? ""))</p>
        \(HTML(prose: operation.node["description"]?.string ?? ""))
        \(parameters(operation.node))
        \(request(operation.node))
        \(responses(operation.node))
        </article>
        """
    }

    private func parameters(_ operation: Node) -> HTML {
        let parameters = (operation["parameters"]?.sequence ?? []).map(resolved)
        guard !parameters.isEmpty else { return "" }
        let rows = parameters.map { parameter -> HTML in
            SchemaHTML.row(
                "\(parameter["name"]?.string ?? "") (\(parameter["in"]?.string ?? ""))",
                parameter["schema"],
                isRequired: parameter["required"]?.bool == true,
                description: parameter["description"]?.string ?? ""
            )
        }
        return """
            <table><tr><th>Parameter</th><th>Type</th><th></th></tr>
            \(rows)
            </table>
            """
    }

    private func request(_ operation: Node) -> HTML {
        guard let schema = operation["requestBody"]?["content"]?["application/json"]?["schema"] else { return "" }
        return "<p>Body: \(SchemaHTML.type(of: schema))</p>"
    }

    private func responses(_ operation: Node) -> HTML {
        let rows = (operation["responses"]?.mapping ?? [:])
            .map { status, response -> HTML in
                let response = resolved(response)
                let schema = response["content"]?["application/json"]?["schema"]
                return """
                    <tr><td><code>\(status.string ?? "")</code></td><td>\(SchemaHTML.type(of: schema))</td>\
                    <td>\(HTML(prose: response["description"]?.string ?? ""))</td></tr>
                    """
            }
        return """
            <details><summary>Answers</summary><table><tr><th>Status</th><th>Body</th><th></th></tr>
            \(rows)
            </table></details>
            """
    }

    // MARK: - Components

    private var schemas: [HTML] {
        (document["components"]?["schemas"]?.mapping ?? [:])
            .map { name, schema in
                let name = name.string ?? ""
                return """
                    <article id="schema-\(name)">
                    <h3>\(name)</h3>
                    \(HTML(prose: schema["description"]?.string ?? ""))
                    \(SchemaHTML.body(of: schema))
                    </article>
                    """
            }
    }

    /// What a reference such as `#/components/responses/NotFound` leads to.
    private func resolved(_ node: Node) -> Node {
        guard let reference = node["$ref"]?.string else { return node }
        return reference.split(separator: "/").dropFirst()
            .reduce(document) { node, key in node[String(key)] ?? Node("") }
    }
}
