using System.Buffers;

namespace ProtoServer.LoadTest.Content;

/// <summary>One connection's side of a scenario: writes the requests and recognises their replies.</summary>
/// <remarks>
/// Belongs to one loop. Requests are numbered from 0 on each connection and wrap; they are answered in order.
/// Works on spans that die with the call, and allocates nothing per message.
/// </remarks>
internal abstract class Dialogue
{
    /// <summary>Whether requests are answered at all; a sink's are not.</summary>
    public virtual bool ExpectsReplies => true;

    /// <summary>Writes request number <paramref name="sequence"/>.</summary>
    /// <returns>Bytes written.</returns>
    public abstract int WriteRequest(IBufferWriter<byte> output, uint sequence);

    /// <summary>Recognises what stands at the beginning of <paramref name="received"/>.</summary>
    /// <param name="received">Not empty; begins where the last reply ended.</param>
    /// <param name="head">The oldest request that waits for its reply.</param>
    /// <param name="tail">The next request to be sent; equal to <paramref name="head"/> when none waits.</param>
    public abstract Reply ReadReply(ReadOnlySpan<byte> received, uint head, uint tail);
}
