using Resp;

namespace KeyValue;

/// <summary>What carries out requests for a <see cref="Session"/>: the databases of this process, or something that asks another machine.</summary>
/// <remarks>
/// Loop thread only. One reply per request: written to the reply before returning, or, after <see cref="Session.Defer"/>, handed in later.
/// The session keeps the replies in the order of the requests either way.
/// </remarks>
internal interface ICommandExecutor
{
    /// <summary>Carries out <paramref name="request"/>, whose bytes die with the call.</summary>
    void Execute(Session session, scoped in RespRequest request, ref RespWriter reply);

    /// <summary>Says which first arguments the next requests of <paramref name="session"/> probably have. Only a hint: nothing may come of it but speed.</summary>
    void Prepare(Session session, ReadOnlySpan<byte> input, ReadOnlySpan<Range> arguments)
    {
    }
}
