using ProtoServer.Testing;

namespace ProtoServer.Tests.Testing;

public class FramingVerifierTests
{
    private static readonly FramingVector[] s_vectors =
        [new("one\n"u8, "one"), new("\n"u8, ""), new("cr\r\n"u8, "cr\\x0D"), new("12345678\n"u8, "12345678")];

    public static TheoryData<Flaw> Flaws => [.. Enum.GetValues<Flaw>().Where(flaw => flaw != Flaw.None)];

    [Fact]
    public void Framing_WithoutAFlaw_Passes() => Assert.InRange(Verify(Flaw.None), 500, 10_000);

    [Theory]
    [MemberData(nameof(Flaws))]
    public void Framing_WithAFlaw_IsFoundOut(Flaw flaw)
    {
        FramingVerificationException found = Assert.Throws<FramingVerificationException>(() => Verify(flaw));

        Assert.Contains("Bytes: ", found.Message);
    }

    [Fact]
    public void Garbage_OfTheSameSeed_IsTheSame()
    {
        string Seen(int seed)
        {
            List<string> seen = [];
            new FramingVerifier(log => new Spy(seen, log)) { Seed = seed, GarbageRounds = 20, EofInsideFrame = EofInsideFrame.Delivers }.Verify([new("x\n"u8, "x")]);
            return string.Join('|', seen);
        }

        Assert.Equal(Seen(1), Seen(1));
        Assert.NotEqual(Seen(1), Seen(2));
    }

    [Fact]
    public void Vector_WithoutBytes_IsRefused() => Assert.Throws<ArgumentException>(() => new FramingVector([], "x"));

    private static int Verify(Flaw flaw) =>
        new FramingVerifier(log => new FlawedLines(log, flaw)) { EofInsideFrame = EofInsideFrame.Delivers }
            .Verify(s_vectors, ["123456789\n"u8.ToArray(), "123456789123456789"u8.ToArray()]);

    private sealed class Spy(List<string> seen, DeliveryLog log) : LineProtocol
    {
        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            seen.Add(DeliveryLog.Escape(line));
            log.Add(line);
        }
    }
}
