// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The agent's domain once more, made with libvirt's own tools.
struct HandMadeDomain {
    private let folder: String
    private let uuid = UUID().uuidString.lowercased()
    private let image: String
    private let options: HostOptions

    /// - Parameters:
    ///   - xml: the domain's definition, as libvirt tells it.
    ///   - original: its UUID, which is in the names of the domain and of its files.
    ///   - image: what its disk is laid over.
    ///   - options: where it ran.
    /// - Throws: when its files cannot be written.
    init(_ xml: String, of original: String, image: String, _ options: HostOptions) throws {
        (self.image, self.options) = (image, options)
        folder = "\(options.directory)/agent/machines/\(uuid)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // The seed is read by the guest alone; making it is the agent's work and not libvirt's.
        try Data(count: 1 << 16).write(to: URL(filePath: "\(folder)/seed.iso"))
        let definition =
            xml.replacing(original, with: uuid)
            // Without our mark the agent leaves it alone.
            .replacing(#/<metadata>.*?<\/metadata>/#.dotMatchesNewlines(), with: "")
            .replacing(#/<target dev='gtap[0-9]+'\/>/#, with: "<target dev='byhand0'/>")
        try Data(definition.utf8).write(to: URL(filePath: "\(folder)/domain.xml"))
    }

    /// Makes disk and domain, takes both away again, and says how long the making took.
    func create() async throws -> Duration {
        let virsh = "virsh -q -c qemu:///system"
        let script = """
            set -e
            begin=$EPOCHREALTIME
            qemu-img create -q -f qcow2 -b "$1" -F qcow2 "$2/disk.qcow2" 4G
            \(virsh) create "$2/domain.xml"
            end=$EPOCHREALTIME
            \(virsh) destroy "$3"
            rm -r "$2"
            echo $(((${end/./} - ${begin/./})))
            """
        let output = try await options.run("bash", "-c", script, "by-hand", image, folder, uuid)
        guard let microseconds = output.split(separator: "\n").last.flatMap({ Int($0) }) else {
            throw Trouble("no time in “\(output)”")
        }
        return .microseconds(microseconds)
    }
}
