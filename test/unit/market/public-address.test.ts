/** Which hosts are the public internet's, as a URL's parser hands them over. */
import { describe, expect, test } from "vitest";
import { isPublicAddress, publicHost } from "../../../src/market/public-address.ts";

const hostOf = (url: string) => publicHost(new URL(url).hostname);

describe("not public", () => {
  test.each([
    // Loopback and "this host", in every spelling that a URL knows.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://127.0.0.1./",
    "https://127.255.255.254/",
    "https://0.0.0.0/",
    "https://0/",
    "https://0.1.2.3/",
    // Private, shared, link-local, where clouds keep their credentials.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.127.255.255/",
    "https://169.254.169.254/",
    "https://0xa9fea9fe/",
    // Protocols, documentation, benchmarks, multicast, reserved, broadcast.
    "https://192.0.0.8/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    // IPv6: itself, local, multicast, documentation, discarded, unassigned.
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    "https://[5f00::1]/",
    "https://[4000::1]/",
    "https://[2001::1]/",
    "https://[2001:2::1]/",
    "https://[2001:20::1]/",
    // IPv6 that carries an IPv4 address: mapped, compatible, translated, NAT64 (both prefixes), 6to4; public or not.
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:10.0.0.1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::8.8.8.8]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    // Names that stand for no public host.
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://db.internal/",
    "https://router.lan/",
    "https://nas.home.arpa/",
    "https://wiki.corp/",
    "https://x.test/",
    "https://x.invalid/",
    "https://x.onion/",
    "https://intranet/",
    "https://com/",
    "https://kubernetes.default.svc.cluster.local/",
    "https://a..example.com/",
    `https://${"a".repeat(64)}.example.com/`,
    `https://${"a.".repeat(130)}example.com/`,
  ])("%s", (url) => {
    expect(hostOf(url)).toBeNull();
  });
});

describe("public", () => {
  test.each([
    ["https://8.8.8.8/", "address"],
    ["https://0x08080808/", "address"],
    ["https://172.15.255.255/", "address"],
    ["https://172.32.0.1/", "address"],
    ["https://100.63.255.255/", "address"],
    ["https://100.128.0.1/", "address"],
    ["https://223.255.255.255/", "address"],
    ["https://[2606:4700:4700::1111]/", "address"],
    ["https://[2a00:1450:4001::1]/", "address"],
    ["https://hooks.example.com/", "name"],
    ["https://Hooks.Example.COM./", "name"],
    ["https://bücher.example/", "name"],
    ["https://a_b.example.com/", "name"],
    ["https://mylocal.com/", "name"],
    ["https://local.example.com/", "name"],
    // Leads to this host all the same: what it resolves to is asked when it is called.
    ["https://127.0.0.1.nip.io/", "name"],
  ])("%s is a public %s", (url, kind) => {
    expect(hostOf(url)?.kind).toBe(kind);
  });

  test("a name comes without what changes nothing", () => {
    expect(hostOf("https://Hooks.Example.COM./")).toEqual({ kind: "name", host: "hooks.example.com" });
  });
});

test("what a resolver answers is an address in full, or nothing that may be called", () => {
  expect(["1.1.1.1", "2606:4700:4700::1111"].map(isPublicAddress)).toEqual([true, true]);
  const others = [
    "127.1",
    "1",
    "0x8.8.8.8",
    "010.8.8.8",
    "example.com",
    "",
    "fe80::1%eth0",
    "2606:4700::1%1",
  ];
  expect(others.filter((text) => isPublicAddress(text))).toEqual([]);
});
