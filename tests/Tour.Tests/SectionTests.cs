using System.Text.RegularExpressions;

namespace Tour.Tests;

/// <summary>Each program prints what a reader of the article expects, in that order.</summary>
public partial class SectionTests
{
    [Theory]
    [InlineData("subroutine", "-- 0", "-- 1", "-- 2")]
    [InlineData("call-stack", "calling main", "in main", "the stack, innermost first: DoThing <- InMain <- Run", "3")]
    [InlineData("generator", "got 0", "just yielded 0", "got 10", "just yielded 10", "got 20", "just yielded 20", "0, 1, 4")]
    [InlineData("awaited-in-turn", "Hello begins", "Hello ends", "World begins", "World ends", "Hello begins", "World begins", "Hello ends", "World ends")]
    [InlineData("two-tasks", "both created, none has begun", "hello 1", "world 1", "hello 2", "world 2", "hello 3", "world 3", "both done")]
    [InlineData(
        "nobody-awaits",
        "main is finished", "Hello", "World, for ever", "Task careless failed, and nobody awaited it. Nobody would ever have known.", "World is cancelled and cleans up")]
    [InlineData("sleep", "Hello", "World", "now we await", "both were done already")]
    [InlineData("gather", "World is done", "Hello is done", "Hello World")]
    [InlineData("task-group", "Hello", "World", "the group is done", "about to fail", "cancelled: never said", "the group failed: no route to the world")]
    [InlineData("cancellation", "working", "cancel was called", "cleaned up", "the worker was cancelled: no longer needed")]
    [InlineData("context-manager", "acquired", "query 1: SELECT ...", "released", "acquired", "released", "failed: a bad query")]
    [InlineData("async-iterator", "prefetched 2", "row 1", "row 2", "prefetched 2", "row 3", "row 4", "prefetched 0")]
    [InlineData("async-generator", "tick 0", "tick 1", "tick 2", "ticker closed", "awaitable: False", "left after tick 0; main ends", "ticker closed")]
    [InlineData(
        "generator-expression",
        "described, nothing has run", "found 0", "number 0", "found 2", "number 2", "found 4", "number 4", "3 in the set, 3 in the list, 3 in the dictionary")]
    [InlineData("protocol", "server: connection made", "server: received hello", "client got: HELLO", "server: connection lost", "server closed, 0 connections aborted")]
    [InlineData("consumer", "consumed first", "consumed second", "consumed last", "waiting for the next one, for ever", "the consumer ended: Canceled")]
    [InlineData(
        "blocking",
        "nothing else to do: awake N ms, asleep N ms, longest wait for the loop N ms",
        "a task that blocks the loop: awake N ms, asleep N ms, longest wait for the loop N ms",
        "the same work on an executor thread: awake N ms, asleep N ms, longest wait for the loop N ms",
        "blocking made the others wait: True")]
    public void Section_Run_PrintsInOrder(string name, params string[] expected)
    {
        var output = new StringWriter();
        Section.All.Single(section => section.Name == name).Run(output);
        string[] lines = Milliseconds().Replace(output.ToString(), " N ms").Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected, lines);
    }

    [Fact]
    public void Sections_ThatEndBySignal_AreTheOnlyOnesNotTestedHere()
    {
        string[] tested = [.. typeof(SectionTests).GetMethod(nameof(Section_Run_PrintsInOrder))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
            .Cast<InlineDataAttribute>().Select(data => (string)data.Data[0]!)];
        Assert.Equal(Section.All.Where(section => !section.EndsBySignal).Select(section => section.Name).Order(), tested.Order());
    }

    [GeneratedRegex(@" \d+ ms")]
    private static partial Regex Milliseconds();
}
